"""The refusal to start with a setting, which every part that reads settings raises."""


class SettingsError(ValueError):
    """A setting that nothing can start with; the message names the variable and says what it may be."""
