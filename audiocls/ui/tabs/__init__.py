"""The tabs of the app, a module each: `build(context, navigation, classifier) -> Tab` adds one to the page."""
