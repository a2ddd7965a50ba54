"""The line of keys at the bottom of a screen."""

from textual.widgets import Footer


class KeyFooter(Footer):
    """Is built again only when it has to say something else: it has a widget for each key, and Textual asks for it
    with every change of the focus and several times while a screen opens.
    """

    def __init__(self) -> None:
        super().__init__(compact=True, show_command_palette=False)
        self._built: object = None

    async def recompose(self) -> None:
        if not self.is_attached:
            return
        keys = [
            (binding, self.app.get_key_display(binding), enabled, tooltip)
            for _, binding, enabled, tooltip in self.screen.active_bindings.values()
            if binding.show
        ]
        if keys != self._built:
            self._built = keys
            await super().recompose()
