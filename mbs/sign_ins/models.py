"""What a session is shown as, and how many are shown."""

MOST_SHOWN = 100

# The first word found counts, because browsers name those whose pages they want to be shown.
PROGRAMS = {
    "Edg/": "Edge",
    "EdgA/": "Edge",
    "EdgiOS/": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser/": "Samsung Internet",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "CriOS/": "Chrome",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
    "curl/": "curl",
    "PostmanRuntime/": "Postman",
    "python-requests/": "Python",
    "okhttp/": "An app",
}
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "CrOS": "ChromeOS",
    "Macintosh": "macOS",
    "Linux": "Linux",
}


def device(user_agent: str | None) -> str:
    """Return in a few words what a User-Agent header says: `Firefox on Linux`."""
    said = user_agent or ""
    found = [
        next((name for word, name in names.items() if word in said), None) for names in (PROGRAMS, SYSTEMS)
    ]
    return " on ".join(name for name in found if name) or "Unknown device"
