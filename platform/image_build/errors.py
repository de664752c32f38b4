"""What can go wrong that a person can mend: printed as one sentence, without a traceback."""


class ImageError(Exception):
    """The images can't be built or pushed; the message says why and what to do."""


class NetworkError(ImageError):
    """A package could not be had; another try may do."""
