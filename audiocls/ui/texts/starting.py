"""What is said when the app starts, and when it cannot."""

NO_RUN = "there is no trained model in {runs}; train one with `audiocls train DATA`, or name one with --model"
PORT_BUSY = "port {port} of {host} is in use; choose another with --port"
CANNOT_LISTEN = "the app cannot listen on port {port} of {host}: {reason}"
OPEN_AT = "Open {url} in a browser (Ctrl-C ends the app)"
SHARED_AT = "Anyone with this address can use it while the app runs: {url}"

LOGIN = "Sign in with the name and password that you were given."
NO_ACCOUNTS_FILE = (
    "--auth {path}: cannot be read: {reason}; it is a text file with a line user:password for each account"
)
BAD_ACCOUNT = "--auth {path}, line {number}: is not user:password"
SAME_ACCOUNT = "--auth {path}, line {number}: this name is there twice"
NO_ACCOUNT = "--auth {path}: has no account; write a line user:password for each"
MCP_AT = "Programs that speak MCP find it at {url}"
