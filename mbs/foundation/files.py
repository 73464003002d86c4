"""Answers that are files: a picture, a PDF."""

from werkzeug.http import dump_options_header
from werkzeug.wrappers import Response

from mbs.foundation.http import current_request


def unchanged(tag: str) -> Response | None:
    """Return 304 if the caller's If-None-Match names a file's entity tag, which then need not be made.

    :param tag: what stands between the quotes of the ETag.
    """
    if not current_request().if_none_match.contains_weak(tag):
        return None
    response = Response(status=304)
    response.set_etag(tag)
    return response


def answer_file(content: bytes, *, media_type: str, tag: str, filename: str | None = None) -> Response:
    """Return a file.

    :param filename: under which a browser that shows the file would save it.
    """
    response = Response(content, content_type=media_type)
    response.set_etag(tag)
    if filename is not None:
        response.headers["Content-Disposition"] = dump_options_header("inline", {"filename": filename})
    return response
