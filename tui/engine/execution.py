"""Executes one run, from the claim to the outcome."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence, Set
from dataclasses import replace

from tui.domain.connection import Connection
from tui.domain.failure import Failure, FailureClass, StoreProblem, TransferFailed
from tui.domain.run import Outcome, Run, Status
from tui.domain.terms import After, Conflict
from tui.domain.text import printable
from tui.engine.delivery import Deliverer
from tui.engine.endings import Endings
from tui.engine.journal import Journal
from tui.engine.lanes import deliver_side_by_side
from tui.engine.leftovers import Leftovers
from tui.engine.live import WAITING_FOR_PLACE, LiveRun
from tui.engine.meter import time_left
from tui.engine.outcome import Untouched, outcome_of
from tui.engine.pausing import Pausing
from tui.engine.plan import Plan, make_plan
from tui.engine.policy import Policy
from tui.engine.recognition import recognize
from tui.engine.retry import Backoff
from tui.engine.selection import Selection, select
from tui.engine.sides import Means, Sides
from tui.methods import load
from tui.methods.base import Entry, breaks
from tui.methods.narration import Narrator
from tui.store.base import Delivery, Partial, Store

_BEAT = 0.5
"""Seconds between two writes of what is new, and between two looks for a request to cancel."""

_CANCEL_GRACE = 1.0
"""Seconds a cancelled run gets to say good-bye to its peer before the connection is dropped under it."""

_NOT_ON_RECORD = "The run could not be kept on record"

_log = logging.getLogger(__name__)


class Execution:
    """One run of one connection: attempts, retries, heartbeat, cancellation, outcome."""

    def __init__(
        self,
        run: Run,
        connection: Connection,
        store: Store,
        means: Means,
        backoff: Backoff,
        *,
        force: bool = False,
        only: Set[str] | None = None,
    ) -> None:
        self._run = run
        # What is forced may replace anything.
        self._connection = connection.model_copy(update={"conflict": Conflict.OVERWRITE}) if force else connection
        self._store = store
        self._journal = Journal(store, run.run_id)
        self._narrator = Narrator(self._journal.tell)
        self._means = means
        self._backoff = backoff
        self._force = force
        self._only = only
        self._attempt = 1
        self._sides: Sides | None = None
        self._work: asyncio.Task[Outcome] | None = None
        self._stopped: Failure | None = None
        self._given_up: dict[str, Failure] = {}
        self._untouched: Untouched | None = None
        self._pausing = Pausing()
        self._retry_at: float | None = None
        self._outcome: Outcome | None = None

    def live(self) -> LiveRun:
        """How the run stands now."""
        progress, speed = self._journal.progress, self._journal.speed
        return LiveRun(
            run_id=self._run.run_id,
            connection=self._run.connection,
            started=self._run.started,
            progress=progress,
            speed=speed,
            time_left=time_left(progress.bytes_total - progress.bytes_done, speed),
            note=self._note(),
            here=True,
            paused=self._pausing.is_paused,
        )

    def pause(self) -> None:
        """Let go of the partner until `resume`. What has arrived stays; files go on where that can be proved safe."""
        if self._pausing.is_paused or self._stopped is not None or self._outcome is not None:
            return
        self._narrator.tell("pause", "paused on request")
        self._pausing.pause()
        self._abort_soon()

    def resume(self) -> None:
        """Go on after `pause`."""
        if self._pausing.is_paused:
            self._narrator.tell("pause", "resumed")
            self._pausing.resume()

    def stop(self, failure_class: FailureClass, message: str) -> None:
        """End the run early. The first reason given counts. Returns at once; the run ends within about two seconds."""
        if self._stopped is not None:
            return
        self._stopped = TransferFailed(failure_class, message).failure
        if self._work is not None:
            self._work.cancel()
            self._abort_soon()

    async def execute(self) -> Run:
        """Do the run and return it as it ended. Raises StoreProblem when the store fails, nothing else."""
        self._work = asyncio.create_task(self._attempts(), name=f"run {self._run.run_id}")
        if self._stopped is not None:
            self._work.cancel()
        heart = asyncio.create_task(self._beat(), name=f"heartbeat of run {self._run.run_id}")
        await asyncio.wait({self._work, heart}, return_when=asyncio.FIRST_COMPLETED)
        if heart.done():
            self.stop(FailureClass.INTERRUPTED, f"{_NOT_ON_RECORD}: {heart.exception()}")
        await asyncio.wait({self._work})
        heart.cancel()
        await asyncio.wait({heart})
        self._outcome = outcome = self._result(self._work)
        self._narrator.tell("end", _closing_words(outcome), ok=outcome.failure is None)
        return await self.record_end()

    async def record_end(self) -> Run:
        """Put on record how the run has ended. After StoreProblem it can be tried again."""
        assert self._outcome is not None  # noqa: S101 - only called once it has ended
        await self._journal.flush()
        await self._store.pulse(self._run.run_id, self._journal.progress, self._attempt)
        return await self._store.end_run(self._run.run_id, self._outcome, self._journal.progress)

    def _result(self, work: asyncio.Task[Outcome]) -> Outcome:
        if not work.cancelled() and work.exception() is None:
            outcome = work.result()
            # What was asked to stop but came to its end all the same is told as it is.
            return outcome if outcome.failure is None or self._stopped is None else self._stopped_outcome()
        if self._stopped is not None:
            return self._stopped_outcome()
        error = work.exception() if not work.cancelled() else None
        if isinstance(error, StoreProblem):
            failure = TransferFailed(FailureClass.INTERRUPTED, f"{_NOT_ON_RECORD}: {error}").failure
            return Outcome(Status.FAILED, failure)
        _log.error("run %d ended by a fault", self._run.run_id, exc_info=error)
        failure = Failure(
            FailureClass.INTERRUPTED,
            f"Wharf itself failed ({type(error).__name__}).",
            "Report this with the log file that `wharf locate` names, then run it again.",
        )
        return Outcome(Status.FAILED, failure)

    def _stopped_outcome(self) -> Outcome:
        assert self._stopped is not None  # noqa: S101 - only called then
        return Outcome(Status.FAILED, self._stopped)

    # Attempts

    async def _attempts(self) -> Outcome:
        while True:
            await self._pausing.over()
            broken, was_cut = await self._pausing.do(self._one_attempt)
            # The next attempt goes on from what the store knows of this one, and may come before the next heartbeat.
            await self._journal.flush()
            if was_cut:
                continue
            again = broken if broken is not None else self._failure_worth_a_retry()
            if again is None or not again.retryable or self._attempt > self._connection.retries:
                untouched = self._untouched or Untouched()
                return outcome_of(self._journal.files, broken, untouched, self._connection.pattern)
            await self._wait_for_retry(again)

    async def _wait_for_retry(self, failure: Failure) -> None:
        loop = asyncio.get_running_loop()
        delay = self._backoff.before(self._attempt)
        self._narrator.tell(
            "retry", f"retry {self._attempt} of {self._connection.retries} in {delay:.1f} s: {failure.message}"
        )
        self._retry_at = loop.time() + delay
        try:
            await asyncio.sleep(delay)
        finally:
            self._retry_at = None
        self._attempt += 1

    def _failure_worth_a_retry(self) -> Failure | None:
        hopeless = self._given_up.values()
        failures = [record.failure for record in self._journal.files if record.failure is not None]
        return next((failure for failure in failures if failure.retryable and failure not in hopeless), None)

    async def _one_attempt(self) -> Failure | None:
        """List, plan and deliver once. Returns what broke the attempt as a whole, if anything did."""
        hosts, host = self._means.hosts, self._connection.host
        self._journal.doing(WAITING_FOR_PLACE)
        async with hosts.wait(host):
            with hosts.take_free(host, self._connection.parallel - 1) as further:
                await load(self._connection)
                sides = self._sides = Sides(self._connection, self._means, self._journal.tell)
                try:
                    async with sides.watched():
                        await self._deliver_all(sides, 1 + further)
                except TransferFailed as error:
                    return error.failure
                finally:
                    self._sides = None
        return None

    async def _deliver_all(self, sides: Sides, lanes: int) -> None:
        self._journal.doing("connecting")
        await sides.open()
        if sides.certificate_ends is not None:
            await self._store.record_certificate(self._run.connection, self._connection.address, sides.certificate_ends)
        partials = {partial.key: partial for partial in await self._store.partials(self._run.connection)}
        if self._force:
            partials = {key: partial._replace(sha256=None) for key, partial in partials.items()}
        undecided: set[str] = set()
        stuck: set[str] = set()
        deliverer = self._deliverer(sides, partials, undecided, stuck)
        endings = deliverer.endings
        selection = await self._select(sides, endings, stuck)
        plan = await self._plan(sides, selection, partials)
        for entry, earlier in plan.repeated:
            endings.skip(entry, earlier)
        if self._connection.after is not After.KEEP:
            # Delivered by a run that was stopped before it could finish with the source.
            await endings.settle_each(plan.delivered)

        if sides.target.all_or_none and plan.unsafe:
            refused = plan.unsafe[0]
            await deliverer.leave_out(plan.move, refused, self._given_up[refused.key])
            return

        async def deliver(lane: Sides, waiting: deque[list[Entry]]) -> None:
            await self._deliverer(lane, partials, undecided, stuck).deliver(waiting)

        if self._connection.conflict is Conflict.KEEP_BOTH:
            # Two lanes could choose the same free name.
            lanes = 1
        try:
            await deliver_side_by_side(sides, sides.target.batches(plan.move), lanes, deliver)
        finally:
            self._give_up_on_hopeless(plan.move, undecided)

    def _deliverer(self, sides: Sides, partials: dict[str, Partial], undecided: set[str], stuck: set[str]) -> Deliverer:
        policy = Policy(self._connection, sides, self._store, partials, force=self._force)
        endings = Endings(sides, policy, self._journal, self._run.run_id, undecided, stuck)
        return Deliverer(sides, self._connection.verify, policy, self._journal, endings, partials)

    async def _select(self, sides: Sides, endings: Endings, stuck: set[str]) -> Selection:
        """What is ready. What an earlier run has left set aside is ended first: some of it may be ready then."""
        self._journal.doing("listing")
        selection = await select(sides.source, self._connection, sides.narrator, wait=sides.wait)
        if not selection.set_aside or self._connection.after is After.KEEP:
            return selection
        leftovers = Leftovers(sides, self._store, self._run.connection, self._journal, endings)
        stuck |= await leftovers.settle(selection.set_aside)
        return await select(sides.source, self._connection, sides.narrator, wait=sides.wait)

    async def _plan(self, sides: Sides, selection: Selection, partials: dict[str, Partial]) -> Plan:
        not_asked_for = [entry for entry in selection.ready if self._only is not None and entry.name not in self._only]
        passed_over = self._given_up.keys() | {entry.key for entry in not_asked_for}
        candidates = [entry for entry in selection.ready if entry.key not in passed_over]
        ledger = await self._known(sides, candidates)
        plan = await self._without_twins(sides, make_plan(candidates, ledger, self._connection.repeat))
        kept = {entry.key for entry in plan.move} | {entry.key for entry, _ in selection.left_alone}
        await self._clear_away(sides, kept | passed_over, partials)
        for entry in plan.unsafe:
            self._refuse_name(entry)
        for entry in plan.move:
            self._journal.plan(entry)
        if self._untouched is None:
            self._untouched = Untouched(len(plan.delivered), len(selection.left_alone) + len(not_asked_for))
        self._narrator.tell("plan", f"{len(plan.move)} to move, {len(plan.delivered)} delivered before")
        return plan

    async def _known(self, sides: Sides, candidates: Sequence[Entry]) -> dict[str, Delivery]:
        """What of the ledger counts for this run."""
        if self._force:
            # What this very run has delivered in an earlier attempt is not sent again all the same.
            lines = await self._store.deliveries(self._run.connection, [entry.key for entry in candidates])
            return {key: line for key, line in lines.items() if line.run_id == self._run.run_id}
        known = await recognize(self._store, self._run.connection, sides.source, candidates, sides.alive)
        if known.renumbered:
            await self._journal.record_delivery(known.renumbered)
        return known.by_key

    async def _without_twins(self, sides: Sides, plan: Plan) -> Plan:
        """A disk that takes two names for one would have the second file replace the first."""
        if sides.target is not sides.local or not plan.move:
            return plan
        twins = await sides.local.case_twins([entry.target_name for entry in plan.move])
        refused = [
            replace(entry, problem=f"the local folder takes its name for {twins[entry.target_name]}")
            for entry in plan.move
            if entry.target_name in twins
        ]
        move = [entry for entry in plan.move if entry.target_name not in twins]
        return replace(plan, move=move, unsafe=plan.unsafe + refused)

    async def _clear_away(self, sides: Sides, wanted: Set[str], partials: dict[str, Partial]) -> None:
        """Remove staged files that nothing will ever continue: their source is gone, or delivered in another way. What
        may not be removed is told, and tried again by the next run: it keeps no file from being moved."""
        removed = []
        for partial in (partial for key, partial in partials.items() if key not in wanted):
            try:
                await sides.target.discard(Entry.named(partial.target_name, partial.size, partial.mtime, partial.key))
            except TransferFailed as error:
                if breaks(error):
                    raise
                self._narrator.tell("plan", f"an unfinished file of an earlier run stays: {error}", ok=False)
            else:
                removed.append(partial.key)
        if removed:
            self._narrator.tell("plan", f"{len(removed)} unfinished files of earlier runs removed")
            await self._store.forget_partials(self._run.run_id, removed)

    def _refuse_name(self, entry: Entry) -> None:
        error = TransferFailed(
            FailureClass.UNSAFE_NAME, f"{printable(entry.name)} was left where it is: {entry.problem}."
        )
        self._narrator.tell("plan", str(error), ok=False)
        self._journal.fail(entry, error.failure)
        self._given_up[entry.key] = error.failure

    def _give_up_on_hopeless(self, moved: list[Entry], undecided: set[str]) -> None:
        """Files that failed in a way that no retry can help are left out of later attempts."""
        for entry in moved:
            failure = self._journal.record(entry).failure
            if failure is not None and (not failure.retryable or entry.key in undecided):
                self._given_up[entry.key] = failure

    def _note(self) -> str | None:
        if self._outcome is not None:
            return "ended, which is not on record yet"
        if self._stopped is not None:
            return "stopping"
        if self._pausing.is_paused:
            return "paused"
        if self._retry_at is None:
            return None
        seconds = max(0, round(self._retry_at - asyncio.get_running_loop().time()))
        return f"retry {self._attempt} of {self._connection.retries} in {seconds} s"

    def _abort_soon(self) -> None:
        """Drop the connection under an attempt that does not end by itself: that one, not a later one."""
        if self._sides is not None:
            asyncio.get_running_loop().call_later(_CANCEL_GRACE, self._sides.abort)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_BEAT)
            await self._journal.flush()
            pulse = await self._store.pulse(self._run.run_id, self._journal.progress, self._attempt)
            if not pulse.ours:
                self.stop(FailureClass.INTERRUPTED, "The run was ended by another process that took this one for dead.")
            elif pulse.cancel_requested:
                self.stop(FailureClass.CANCELLED, "Cancelled on request.")


def _closing_words(outcome: Outcome) -> str:
    return outcome.failure.message if outcome.failure is not None else outcome.message or outcome.status.value
