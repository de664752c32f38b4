"""What an operator can mend, said in one sentence."""


class SettingsError(Exception):
    """The settings can't be used as they are; the text says what to write."""


class OutsideError(Exception):
    """A server next door refused or didn't answer; the text names it and what it said."""
