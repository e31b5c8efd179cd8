"""How the tab of long recordings looks, beside what all tabs share."""

CSS = """
#recording-progress progress {width: 100%; height: 0.75rem; accent-color: var(--primary-600);}
#recording-progress p {margin: 0.25rem 0 0; font-variant-numeric: tabular-nums;}
#recording-chosen {padding: var(--block-padding);}
#recording-counts table {width: 100%; max-width: 32rem;}
#recording-table td {font-variant-numeric: tabular-nums;}
"""
