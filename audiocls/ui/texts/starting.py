"""What is said when the app starts, and when it cannot."""

NO_RUN = "there is no trained model in {runs}; train one with `audiocls train DATA`, or name one with --model"
PORT_BUSY = "port {port} of {host} is in use; choose another with --port"
CANNOT_LISTEN = "the app cannot listen on port {port} of {host}: {reason}"
OPEN_AT = "Open {url} in a browser (Ctrl-C ends the app)"
SHARED_AT = "Anyone with this address can use it while the app runs: {url}"
