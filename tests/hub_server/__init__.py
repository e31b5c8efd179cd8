"""A small server of the Hugging Face Hub's protocol, for tests and for trying things by hand (`make hub`).

    with serve(Hub(folder)) as url: ...      # url goes into HF_ENDPOINT

It stores everything as plain files under one folder, speaks to the real `huggingface_hub`, `datasets` and
`transformers`, and can be told to fail. It knows no users but those of its table of tokens, and runs no code.

| module | what is there |
|---|---|
| `storage.py` | blobs, repositories, commits, references as plain files |
| `access.py` | who a token is, what it may do: owners, organisations, private and gated repositories |
| `requests.py` | what a request names: repository, revision, path; refusals; `Part`: who answers |
| `reading.py`, `info.py` | information, listings, files with ranges |
| `writing.py`, `commits.py` | repositories made, set, deleted; branches and tags; commits |
| `lfs.py`, `xet.py`, `xet_formats.py` | large files: the two ways |
| `pull_requests.py` | pull requests and discussions |
| `metadata.py`, `attributes.py` | what the Hub accepts at the top of a README; which files are large |
| `faults.py` | requests that break, on demand; what was asked |
| `server.py` | `Hub` and `serve` |
| `client.py`, `fixtures.py` | the client of this process pointed at a server; pytest fixtures |
"""

from tests.hub_server.server import Hub, serve

__all__ = ["Hub", "serve"]
