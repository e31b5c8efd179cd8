"""How the tab of long recordings looks, beside what all tabs share."""

CSS = """
#recording-progress progress {display: block; width: 100%; height: 0.6rem; appearance: none; border: 0;
 border-radius: 0.3rem; overflow: hidden; background: var(--neutral-300);}
.dark #recording-progress progress {background: var(--neutral-700);}
#recording-progress ::-webkit-progress-bar {background: transparent;}
#recording-progress ::-webkit-progress-value {background: var(--primary-600);}
#recording-progress ::-moz-progress-bar {background: var(--primary-600);}
#recording-progress progress:indeterminate {animation: recording-waits 1.6s ease-in-out infinite alternate;
 background: linear-gradient(90deg, transparent 30%, var(--primary-600) 50%, transparent 70%) 0 / 300%;}
@keyframes recording-waits {from {background-position: 100%;} to {background-position: 0;}}
@media (prefers-reduced-motion: reduce) {#recording-progress progress:indeterminate {animation: none;}}
#recording-progress p {margin: 0.25rem 0 0; font-variant-numeric: tabular-nums;}
#recording-chosen {padding: var(--block-padding);}
#recording-counts table {width: 100%; max-width: 32rem;}
#recording-counts :is(table, th, td) {border-color: var(--border-color-primary) !important;}
#recording-table td {font-variant-numeric: tabular-nums;}
"""
