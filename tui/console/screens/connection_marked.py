"""What is done with all marked connections or, while none is marked, with the one under the cursor."""

from collections.abc import Awaitable, Callable, Mapping

from tui.console.screens import connection_reasons
from tui.console.screens.connection_reasons import ON_MARKS, named
from tui.console.screens.connection_view import ConnectionView
from tui.domain.figures import count
from tui.engine.live import LiveRun

_LONGEST_COPY = 50_000
"""Characters: terminals take about 75,000 bytes at most, and they get a third more than there are."""


class MarkedConnections(ConnectionView):
    """Marks connections and calls the engine and the store for each of them."""

    async def action_copy_toml(self) -> None:
        """Put the connections on the clipboard of the terminal as `wharf export` writes them: without secrets."""
        from tui.domain.connection_file import write_connections

        names = self._targets
        with self._wharf.telling():
            text = write_connections([await self.engine.store.connection(name) for name in names])
            if len(text) > _LONGEST_COPY:
                export = self._keys["connections.export"]
                self._wharf.tell(
                    f"{named(names)} are too much for a terminal's clipboard; {export} writes a file.", "warning"
                )
            elif names:
                self.app.copy_to_clipboard(text)
                self._wharf.tell(f"Copied {named(names)} as TOML.")

    def action_export(self) -> None:
        """Write the connections to a file, as `wharf export` does."""
        from tui.console.dialogs.connection_export import ConnectionExport

        self.app.push_screen(ConnectionExport(self.engine.store, self._targets))

    def action_mark(self) -> None:
        """Mark the connection under the cursor and go on to the next; of a group, mark all, or none if all are."""
        if (group := self._group) is not None:
            names = set(self._list.members(group.key))
            marks = self._table.marks
            self._table.mark(marks - names if names <= marks else marks | names)
            self._show()
        elif (name := self._chosen) is not None:
            self._table.toggle_mark(name)
            self._show()
            self._table.action_move(1)

    def action_mark_along(self, by: int) -> None:
        """Mark the connection under the cursor and the one that the cursor comes to, as a range is selected."""
        names = {self._chosen}
        self._table.action_move(by)
        self._table.mark(self._table.marks | {name for name in names | {self._chosen} if name is not None})
        self._show()

    def action_mark_all(self) -> None:
        """Mark all that the filter lets through, also in folded groups; none of them if all are marked."""
        names = {state.connection.name for state in self._list.shown()}
        marks = self._table.marks
        self._table.mark(marks - names if names <= marks else marks | names)
        self._show()

    async def action_run(self) -> None:
        names = self._targets
        done = await self._each(names, self.engine.start)
        if len(done) > 1:
            self._wharf.tell(f"{count(len(done), 'run')} started.")

    async def action_cancel(self) -> None:
        running = {name: self._list.live[name].run_id for name in self._targets if name in self._list.live}
        done = await self._each(list(running), lambda name: self.engine.cancel(running[name]))
        if done:
            self._wharf.tell(f"Cancelling {named(done)}.")

    async def action_pause(self) -> None:
        await self._turn_round({name: self._list.live[name] for name in self._targets if name in self._list.live})

    async def action_pause_all(self) -> None:
        await self._turn_round({name: run for name, run in self._list.live.items() if run.here})

    async def _turn_round(self, runs: Mapping[str, LiveRun]) -> None:
        """Pause these runs or, when all of them are paused already, let them go on."""
        pause = not all(run.paused for run in runs.values())

        async def turn(name: str) -> None:
            run_id = runs[name].run_id
            self.engine.pause(run_id) if pause else self.engine.resume(run_id)

        if done := await self._each(list(runs), turn):
            self._wharf.tell(f"{named(done)}: {'paused; what has arrived stays' if pause else 'going on'}.")

    async def action_toggle_enabled(self) -> None:
        names = self._targets
        connections = [found for name in names if (found := self._list.connection(name)) is not None]
        enabled = not all(connection.enabled for connection in connections)

        async def switch(name: str) -> None:
            fresh = await self.engine.store.connection(name)
            changed = fresh.model_copy(update={"enabled": enabled})
            await self.engine.store.save(changed, replacing=name, seen=fresh)

        if done := await self._each(names, switch):
            self._wharf.tell(f"{named(done)} {'is' if len(done) == 1 else 'are'} {'on' if enabled else 'off'}.")

    def action_delete(self) -> None:
        from tui.console.dialogs.confirm import ConfirmDialog

        # The names are kept from here on: what is under the cursor may be another row when the answer comes.
        names = self._targets
        self.app.push_screen(
            ConfirmDialog(
                f"Delete {named(names)}?",
                "Wharf forgets the connection and what it has delivered; a new connection of that name would move "
                "the files again. The history of all runs keeps its runs.",
                "Delete",
            ),
            lambda sure: self._delete(names) if sure else _nothing(),
        )

    async def _delete(self, names: list[str]) -> None:
        if done := await self._each(names, self.engine.store.delete):
            self._wharf.tell(f"{named(done)} deleted.")

    async def _each(self, names: list[str], act: Callable[[str], Awaitable[object]]) -> list[str]:
        """Do something with each; what fails is told, the others go on. Returns those that it was done with."""
        done = []
        for name in names:
            with self._wharf.telling():
                await act(name)
                done.append(name)
        if names:
            self._list.observe(self.engine.snapshot().live)
            await self.reload()
        return done

    # Who is meant

    @property
    def _targets(self) -> list[str]:
        """The marked connections, or else the one under the cursor."""
        if marks := self._table.marks:
            return sorted(marks)
        return [] if self._chosen is None else [self._chosen]

    def why_not(self, action: str) -> str | None:
        targets = self._targets if action in ON_MARKS else [] if self._chosen is None else [self._chosen]
        connections = {name: found for name in targets if (found := self._list.connection(name)) is not None}
        return connection_reasons.why_not(
            action,
            targets,
            connections,
            self._list.live,
            self._keys,
            read_only=self.engine.read_only,
            on_group=self._group is not None,
        )


async def _nothing() -> None:
    """The answer was no."""
