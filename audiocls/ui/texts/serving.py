"""What is said before a request reaches the page, and when the app is busy."""

OTHER_SITE = "this was sent by a page of another site; open the app itself"
NO_ADDRESS = "the app fetches nothing from other addresses; upload the file"
LOGIN_FIRST = "log in first"
TOO_LARGE = "this is larger than the limit of {limit:.0f} MB"
NO_ROOM = "there is no room left for files at the moment; try again later"
BUSY = "the app is busy; try again in a moment"
