"""How the Train tab looks."""

CSS = """
#train-clips section {margin: 0 0 .7em;}
#train-clips h4 {display: flex; flex-wrap: wrap; align-items: center; gap: .5em; margin: 0 0 .3em; font-weight: 600;
    overflow-wrap: anywhere;}
#train-clips .taught-count {font-weight: 400; color: var(--body-text-color-subdued); font-size: var(--text-sm);}
#train-clips ul {display: flex; flex-wrap: wrap; gap: .4em; margin: 0; padding: 0; list-style: none;}
#train-clips li {display: inline-flex; margin: 0; padding: 0; border: 1px solid var(--border-color-primary);
    border-radius: var(--radius-md); overflow: hidden;}
#train-clips li::before, #train-clips li::marker {content: none;}
#train-clips button {padding: .35em .6em; min-height: 2.2em; background: transparent; color: var(--body-text-color);
    font: inherit; font-size: var(--text-sm); cursor: pointer; border: 0;}
#train-clips h4 button {border: 1px solid var(--border-color-primary); border-radius: var(--radius-md);}
#train-clips button:hover {background: var(--background-fill-secondary);}
#train-clips button:focus-visible {outline: 2px solid var(--color-accent); outline-offset: -2px;}
#train-clips li .taught-delete {border-left: 1px solid var(--border-color-primary);}
#train-audit {overflow-x: auto;}
#train-audit table {border-collapse: collapse; margin: .6em 0;}
#train-audit :is(th, td) {padding: .25em .8em; border: 1px solid var(--border-color-primary); text-align: right;}
#train-audit :is(th, td):first-child {text-align: left; overflow-wrap: anywhere;}
#train-audit details {margin: .25em 0; border-left: 3px solid var(--border-color-primary); padding: .1em .7em;}
#train-audit details.mend {border-color: #dc2626;}
#train-audit details.check {border-color: #d97706;}
#train-audit summary {cursor: pointer;}
#train-audit details p {margin: .3em 0 .5em; overflow-wrap: anywhere;}
#train-audit .files {color: var(--body-text-color-subdued); font-size: var(--text-sm);}
#train-status {overflow-wrap: anywhere; min-height: 3.2em;}
#train-kind .wrap {flex-direction: column; align-items: stretch;}
@media (max-width: 640px) {#train-fields .form {flex-direction: column;}}
"""
