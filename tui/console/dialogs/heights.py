"""How dialogs with much to show go by the height of the terminal; styles.tcss says what that means."""

DIALOG_HEIGHTS = [(0, "-low"), (36, "-high")]
"""Below 36 lines such a dialog fills the screen, so that its last lines are seen whatever else it shows."""
