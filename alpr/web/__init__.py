"""Parts of pages in a browser, for the device and the centre alike: sign-in, sessions, security headers, templates,
static files, server-sent events, the server. Knows neither reads nor hits; the only importer of Starlette, Jinja,
uvicorn and argon2 beside the pages themselves."""
