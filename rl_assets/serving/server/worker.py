"""The one thread that uses the model: answers that wait join those that run, and all grow by a token at a time."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from rl_assets.models.memory import free_memory, is_out_of_memory
from rl_assets.serving.server.batch import Batch
from rl_assets.serving.server.errors import RefusedError, busy, unknown_model
from rl_assets.serving.server.options import Options
from rl_assets.serving.server.served_adapters import ServedAdapter
from rl_assets.serving.server.served_model import ServedModel
from rl_assets.serving.server.tokens import Answer

# Requests that come at once are begun at once: their prompts are one batch.
GATHER_S = 0.003
STOPPED = RefusedError(
    503,
    "The server generates nothing any more: it is stopping, or failed; see its log.",
    "server_error",
    code="stopped",
)
# What a forward pass may raise: torch's own errors, and those of a model's code about shapes, indices and arguments.
MODEL_FAILURES = (RuntimeError, ValueError, IndexError, TypeError)
T = TypeVar("T")


class Worker:
    """Generates answers until it is stopped. Methods may be called from any thread."""

    def __init__(self, model: ServedModel, options: Options):
        self._model, self._options = model, options
        self._waiting: deque[Answer] = deque()
        self._jobs: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._changed = threading.Condition()
        self._batches: list[Batch] = []
        self._retired: list[ServedAdapter] = []
        self._freed: set[str] = set()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="generation", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self) -> None:
        """Fail what is not answered yet, and end."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()

    @property
    def works(self) -> bool:
        """Whether answers are generated; a thread that died of an error cannot be started again."""
        return self._thread.is_alive() and not self._stopping

    @property
    def running(self) -> int:
        """Answers that are being generated now."""
        return sum(len(batch.answers) for batch in self._batches)

    @property
    def waiting(self) -> int:
        """Answers that have not begun."""
        return len(self._waiting)

    def submit(self, answers: Sequence[Answer]) -> None:
        """Have answers generated; raises RefusedError (429) if too many wait, (503) if nothing works any more."""
        with self._changed:
            if not self.works:
                raise STOPPED
            if len(self._waiting) + len(answers) > self._options.max_waiting:
                raise busy(len(self._waiting))
            self._waiting.extend(answers)
            self._changed.notify()

    def between_tokens(self, job: Callable[[], T]) -> "Future[T]":
        """Have the job done by the thread that owns the model, before the next token."""
        future: Future[T] = Future()
        with self._changed:
            if not self.works:
                raise STOPPED
            self._jobs.append((job, future))
            self._changed.notify()
        return future

    def retire(self, adapter: ServedAdapter) -> None:
        """Give an adapter's memory back as soon as no answer needs it."""
        with self._changed:
            self._retired.append(adapter)
            self._changed.notify()

    def _run(self) -> None:
        import torch

        try:
            with torch.inference_mode():
                while self._wait_for_work():
                    self._run_jobs()
                    self._free_retired()
                    self._admit()
                    self._step()
        finally:
            self._stopping = True
            self._fail_all()

    def _wait_for_work(self) -> bool:
        """False when it is to stop."""
        with self._changed:
            while not (self._stopping or self._jobs or self._waiting or self._batches or self._retired):
                self._changed.wait()
            idle = not self._batches and not self._jobs and not self._stopping
        if idle:
            time.sleep(GATHER_S)
        return not self._stopping

    def _run_jobs(self) -> None:
        while self._jobs:
            job, future = self._jobs[0]
            try:
                if future.set_running_or_notify_cancel():
                    future.set_result(job())
            except (ValueError, RuntimeError, OSError) as error:
                future.set_exception(error)
            self._jobs.popleft()

    def _free_retired(self) -> None:
        needed = {answer.adapter.slot for answer in (*self._waiting, *self._running_answers())}
        for adapter in [adapter for adapter in self._retired if adapter.slot not in needed]:
            self._model.free(adapter)
            self._retired.remove(adapter)
            self._freed.add(adapter.slot)

    def _running_answers(self) -> list[Answer]:
        return [answer for batch in self._batches for answer in batch.answers]

    def _admit(self) -> None:
        """Begin what waits and fits, in the order of arrival; at least one answer if nothing runs."""
        running = self._running_answers()
        new: list[Answer] = []
        while self._waiting and len(running) + len(new) < self._options.max_batch:
            answer = self._waiting[0]
            rows = [*running, *new, answer]
            if len(rows) > 1 and len(rows) * max(row.room for row in rows) > self._options.max_batch_tokens:
                break
            self._waiting.popleft()
            if answer.adapter.slot in self._freed:
                answer.deliver(unknown_model(answer.adapter.name))
            elif not answer.abandoned:
                new.append(answer)
        if new:
            self._attempt(new, lambda: self._begin(new))

    def _begin(self, new: list[Answer]) -> None:
        batch = Batch(self._model, new)
        if not batch.answers:
            return
        if self._batches and batch.can_join:
            self._batches[0].join(batch)
        else:
            self._batches.append(batch)

    def _step(self) -> None:
        for batch in list(self._batches):
            self._attempt(batch.answers, batch.step)
        self._batches = [batch for batch in self._batches if batch.answers]

    def _attempt(self, answers: Sequence[Answer], work: Callable[[], None]) -> None:
        """Do it; if the model fails, so do these answers, and nothing else."""
        try:
            work()
        except MODEL_FAILURES as error:
            failed = list(answers)
            self._batches = [batch for batch in self._batches if not any(row in batch.answers for row in failed)]
            self._fail(failed, _failure(error))
            free_memory()
        except BaseException:  # The thread ends of it: nobody is to wait for ever.
            self._fail(answers, STOPPED)
            raise

    def _fail(self, answers: Sequence[Answer], why: RefusedError) -> None:
        for answer in answers:
            answer.deliver(why)

    def _fail_all(self) -> None:
        with self._changed:
            answers = [*self._waiting, *self._running_answers()]
            self._waiting.clear()
            self._batches = []
            jobs = list(self._jobs)
            self._jobs.clear()
        self._fail(answers, STOPPED)
        for _, future in jobs:
            if not future.done():
                future.set_exception(STOPPED)


def _failure(error: Exception) -> RefusedError:
    if is_out_of_memory(error):
        message = "The device's memory ran out: ask for fewer tokens, or lower --max-batch-tokens of the server."
        return RefusedError(503, message, "server_error", code="out_of_memory")
    return RefusedError(500, f"The model failed: {str(error)[:500]}", "server_error", code="model_failed")
