"""The library's front door: a Guard knows the roster, the faces and the purpose, and cleans photos."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

import platformdirs

from consent.groups import named_groups
from consent.model import Purpose
from consent.publishing import recover
from consent.roster import Finding, Roster
from consent.store import RunRecord, Store, last_entry
from consent.vault import Passphrase
from imgguard.apart import require_apart, require_nothing_else
from imgguard.backends import default_backends
from imgguard.batch import run_batch
from imgguard.choices import one_of
from imgguard.engines import Engine
from imgguard.errors import ConsentChanged, OutputError, SetupError
from imgguard.handing import Sink
from imgguard.keys import Keys
from imgguard.known_names import KnownNames
from imgguard.looks import read_look
from imgguard.output import OutputFolder
from imgguard.pipeline import prepare_photo
from imgguard.places import Remote, place
from imgguard.planning import Plan, format_of_name, plan_run
from imgguard.portrait_sources import home_of
from imgguard.publication import Publication, count_published, require_asked, require_small_batch, under_policy
from imgguard.recorder import Recorder, dry_result, refused_as
from imgguard.remote_output import PLACES, RemoteFolder
from imgguard.rules import Covering, Rules, checked_fpir
from imgguard.run_records import run_record
from imgguard.running import engine_here, known_digests, tidy, what_was_done
from imgguard.sanitize.exif import checked_credit
from imgguard.scales import Search
from imgguard.tally import shown_often
from imgguard.targets import Naming
from imgguard.threshold import DEFAULT_FPIR
from imgguard.types import CleanedPhoto, Extent, Format, Names, PhotoResult, Refusal, Style, Treatment
from imgguard.who import Asked, roster_of, who_is_known


def default_school() -> Path:
    """Where the school file is kept unless told otherwise: the user's own data folder, never beside the photos."""
    return Path(platformdirs.user_data_dir("imgguard", appauthor=False)) / "school.imgguard"


class Guard:
    """Cleans photos by one roster for one purpose.

    Attributes:
        rules: What holds for every photo.
        findings: What a person should look at in the roster and the ID photos.
    """

    def __init__(
        self,
        *,
        roster: Path | str | None = None,
        id_photos: Path | str | None = None,
        purpose: Purpose | str | None = None,
        recognition: bool = True,
        style: Style | str = Style.BLUR,
        cover: Extent | str = Extent.FACE,
        covered: Treatment | str = Treatment.COVER,
        format: Format | str | None = None,
        search: Search | str = Search.NORMAL,
        groups: Iterable[str] = (),
        fpir: float = DEFAULT_FPIR,
        old_id_photos: bool = False,
        names: Names | str = Names.AUTO,
        credit: str | None = None,
        keep_orientation_tag: bool = False,
        school: Path | str | None = None,
        passphrase: Passphrase | None = None,
        publication: Publication = Publication(),  # noqa: B008 (frozen)
        on: date | None = None,
    ) -> None:
        """Read the roster and enrol the people of the ID photos, in memory.

        Args:
            roster: The consent roster (see `imgguard roster template`); None for the one that was imported into the
                school file. What was withdrawn there holds for either.
            id_photos: ID photos named by student number, in a folder or a zip, or with an index (see
                `imgguard.portrait_sources`); None for the templates of the school file.
            purpose: What the photos are published for.
            recognition: Off, nothing biometric is computed and everybody is covered; roster, ID photos and
                purpose are then not used.
            style: How covers look: blur, pixelate, solid, emoji, or image: and the file of a picture.
            cover: How much of a person a cover takes: face (with hair, ears and chin), head (and neck) or person: a
                generous box around the body, guessed from the head.
            covered: What is done where somebody must not be seen: cover; crop, where one part keeps 60 % of the
                photo and everybody who may be seen, and cover elsewhere; or drop, which refuses the photo.
            format: The container to write, such as jpeg, png or tiff; None for each source's own (HEIC becomes JPEG).
            search: How much time is taken to find faces: fast, normal or thorough.
            groups: Enrol only the people of these groups of the roster, compared without case and surrounding
                blanks; everybody else is then a stranger. Empty for everybody.
            fpir: Accepted share of strangers who are left visible by mistake, 0.000001 to 0.01; 0.001 means that of
                1,000 strangers' faces at most one is.
            old_id_photos: Also use ID photos older than 36 months.
            names: What becomes of names of files and folders: auto replaces those that tell something by neutral ones,
                neutral all, keep none. The record keeps which is which.
            keep_orientation_tag: Leave JPEGs as they are stored and say how to turn them, instead of turning them.
            credit: A line of credit that each published file holds as EXIF Copyright and Artist.
            school: The school file, which keeps the record; None for `default_school()`.
            passphrase: Gives what opens the templates of the school file, where no keyring has their key.
            publication: Under which procedure, where to, and who agreed.
            on: The day for which consents have to hold; None for today.

        Raises:
            SetupError: if something needed is missing, or a value is unknown.
            PolicyError: if there is no such policy.
            DestinationError: if there is no such destination.
            RosterError: if the roster cannot answer for the purpose, or has nobody in one of the groups.
            RecordError: if the school file cannot be read: what was withdrawn would not be known.
            WeightsError: if a model file is missing or altered.
        """
        on = on or date.today()
        self._school = Path(school) if school is not None else default_school()
        self._recorder: Recorder | None = None
        # Before anything is read: what is recorded from now on, this guard may not know.
        self._read_at = last_entry(self._school)
        self._roster: Roster | None = None
        self._id_photos = Path(id_photos) if id_photos is not None else None
        self.findings: tuple[Finding, ...] = ()
        wanted = None if format is None else one_of(Format, format, "format")
        look, search = read_look(style), one_of(Search, search, "search")
        extent = one_of(Extent, cover, "part of a person to cover")
        treatment = one_of(Treatment, covered, "way to treat people who must be covered")
        covering = Covering(look.picture, extent, treatment)
        groups, fpir = named_groups(groups), checked_fpir(fpir)
        credit = None if credit is None else checked_credit(credit)
        purpose = None if purpose is None else one_of(Purpose, purpose, "purpose")
        self._naming = Naming.recorded_in(self._school, one_of(Names, names, "choice of names"))
        self._publication, self._under = publication, under_policy(publication, purpose, self._school, on)
        self.findings = self._under.findings
        self.rules = Rules(
            None, {}, None, on, look.style, wanted, search,
            credit=credit, keep_orientation_tag=keep_orientation_tag, covering=covering,
            policy=self._under.policy, circumstances=self._under.circumstances, published=self._under.published,
            destination=self._under.destination.name if self._under.destination else "",
        )  # fmt: skip
        if not recognition:
            return
        purpose = self._under.purpose
        if purpose is None:
            raise SetupError(
                "A purpose is needed to know who may be seen",
                "Say what the photos are published for, or switch recognition off to cover everybody.",
            )
        self._roster = known = roster_of(self._school, None if roster is None else Path(roster))
        known.require(purpose)
        # Before a thousand portraits are read.
        require_asked(self._under, known.subjects.values(), on)
        asked = Asked(self._school, known, on, self._id_photos, groups, fpir, old_id_photos, passphrase)
        gallery, told = who_is_known(asked)
        self.findings = (*self.findings, *known.findings, *told)
        self._naming = replace(self._naming, known=KnownNames.of(known.subjects.values()))
        self.rules = replace(
            self.rules, purpose=purpose, subjects=known.subjects, gallery=gallery, groups=groups, fpir=fpir
        )

    def __enter__(self) -> Self:
        """Give the guard itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the record."""
        self.close(finished=error is None)

    def close(self, *, finished: bool = True) -> None:
        """Close the record; the guard can be used again and begins a new run.

        Args:
            finished: Whether the run came to its end, which the record then tells.
        """
        if self._recorder is None:
            return
        recorder, self._recorder = self._recorder, None
        try:
            if finished:
                recorder.finish()
        finally:
            recorder.store.close()

    @property
    def told(self) -> tuple[str, ...]:
        """Under what the photos are published, in lines to show: the procedure, where to, and what was declared."""
        under = self._under
        purpose = f", for {under.purpose.value}" if under.purpose else ""
        place = f", to {under.destination.name} ({under.destination.address})" if under.destination else ""
        declared = [f"Declared: {what}" for what in (self._roster.declared if self._roster else ())]
        return (f"Under {under.policy.name} ({under.policy.version}){purpose}{place}.", *declared)

    @property
    def known_names(self) -> KnownNames:
        """What in a file's name would name one of the roster's people."""
        return self._naming.known

    def clean(
        self, path: Path | str, out: Path | str, *, overwrite: bool = False, dry_run: bool = False
    ) -> PhotoResult:
        """Clean one photo.

        Args:
            path: The photo.
            out: A folder, or the name of the file to write; a name such as clean.png chooses the format.
            overwrite: Replace a file that is there already.
            dry_run: Do everything but publish and record.

        Raises:
            PhotoError: why it is refused; nothing was written.
            OutputError: why it cannot be written; nothing was written.
            RecordError: if it cannot be recorded; nothing was written.
        """
        if place(path).is_dir():
            raise SetupError(f"{path}: is a folder", "Use clean_folder for folders.")
        plan = self.plan([place(path)], place(out))
        for _, problem in plan.refused:
            raise problem
        folder = self._output(plan, overwrite)
        (job,) = plan.jobs
        folder.check(job.target)
        rules = self._rules_for(job.target)
        cleaned = prepare_photo(job.source, rules, default_backends())
        if dry_run:
            return dry_result(cleaned, job.target)
        recorder = replace(self._open_record(), keys=Keys.of(rules))
        return recorder.publish(cleaned, job.target, folder, job.replaced)

    def clean_folder(
        self,
        folder: Path | str,
        out: Path | str,
        *,
        overwrite: bool = False,
        dry_run: bool = False,
        workers: int | None = None,
    ) -> Iterator[PhotoResult]:
        """Clean every photo below a folder; the tree is mirrored in the output.

        Args:
            folder: The photos.
            out: The output folder, outside of the input folder.
            overwrite: Replace files that are there already.
            dry_run: Do everything but publish and record.
            workers: Processes; see `run`.

        Yields:
            Results as they finish; a refused photo is a result with its reason, not an error.

        Raises:
            SetupError: if the folders cannot be used.
            RecordError: if the record cannot be written.
        """
        plan = self.plan([place(folder)], place(out))
        yield from self.run(plan, overwrite=overwrite, dry_run=dry_run, workers=workers)

    def plan(
        self,
        inputs: list[Path],
        out: Path,
        names: Names | None = None,
        chosen: Callable[[Path], bool] | None = None,
    ) -> Plan:
        """Plan a run over photos and folders; see `imgguard.planning.plan_run`.

        Args:
            inputs: Photos and folders.
            out: The output folder.
            names: What becomes of names this time; None for what the guard was told.
            chosen: Says which of the files that are found are meant; None for all of them.

        Raises:
            SetupError: if the folders cannot be used, or there are more photos than the procedure means.
        """
        ids = None if self._id_photos is None else home_of(self._id_photos)
        require_apart(ids, inputs)
        naming = self._naming if names is None else replace(self._naming, names=names)
        with known_digests(self._school) as digests:
            plan = plan_run(inputs, out, self.rules.format, replace(naming, digest=digests.of), chosen)
        require_nothing_else(plan, self._school, ids)
        require_small_batch(self._under, len(plan.jobs), confirmed=self._publication.confirm_batch)
        return plan

    def shown_often(self, results: Sequence[PhotoResult]) -> tuple[Finding, ...]:
        """Tell who was published more often than the procedure means, these results included."""
        return shown_often(results, self.rules)

    def run(
        self,
        plan: Plan,
        *,
        overwrite: bool = False,
        dry_run: bool = False,
        workers: int | None = None,
        examined: Callable[[int, int], None] = lambda done, total: None,
        engine: Callable[[Rules], Engine] | None = None,
        resume: bool = True,
    ) -> Iterator[PhotoResult]:
        """Carry out a plan; see `clean_folder`.

        Args:
            plan: What to do.
            overwrite: Replace files that are there already.
            dry_run: Do everything but publish and record.
            workers: Processes; None for one a core, fewer where memory is short; 1 for this process alone, which then
                ends with a photo that ends it.
            examined: Called with how many of how many photos have been examined, where people are recognised in
                several photos: those of a folder are examined before the first of them is cleaned.
            engine: Makes what does the work, by the rules of the run, in place of worker processes.
            resume: Leave alone what an earlier run has done in the same way; see `imgguard.resuming`.

        Yields:
            Results as they finish.
        """
        default_backends()
        recorder = None if dry_run else self._open_record()
        # Only who names a file asks for its format so; else one photo and many would be decided by other settings.
        rules = self._rules_for(plan.jobs[0].target) if plan.names_file and plan.jobs else self._counted()
        folder = self._output(plan, overwrite)
        made = engine(rules) if engine else engine_here(rules, workers, len(plan.jobs))
        with contextlib.closing(made), known_digests(self._school, recorder) as digests:
            if recorder is not None:
                tidy({plan.out, *(job.target.parent for job in plan.jobs)})
            earlier = what_was_done(rules, digests, resume)
            if recorder is not None:
                recorder = replace(recorder, keys=earlier.keys if earlier else None)
            yield from run_batch(plan, rules, recorder, folder, made, examined, earlier)

    @contextlib.contextmanager
    def recording(self) -> Iterator[Recorder]:
        """Begin a run of its own to publish what is finished already, and end it; several may go on at once.

        Raises:
            RecordError: if it cannot be recorded.
        """
        with Store(self._school) as store:
            recorder = Recorder.begin(store, self.run_record(), self._read_at)
            yield recorder
            recorder.finish()

    def publish(self, cleaned: CleanedPhoto, target: Path, sink: Sink, *, replaces: int | None = None) -> PhotoResult:
        """Publish and record a finished photo, as a run of its own.

        Args:
            cleaned: The finished photo.
            target: Its name, below the sink's root.
            sink: Where it goes, such as an `OutputFolder` or `Handed`.
            replaces: Number of the published photo whose place it takes; None where it takes none's.

        Raises:
            OutputError: if it cannot be written; nothing is published then.
            ConsentChanged: if somebody's consent was taken back since this guard read the roster.
            RecordError: if it cannot be recorded; nothing is published then.
        """
        with self.recording() as recorder:
            try:
                return recorder.publish(cleaned, target, sink, replaces=replaces)
            except (OutputError, ConsentChanged) as error:
                why = refused_as(cleaned, Refusal(error.kind, error.what, error.remedy))
                recorder.refuse(why)
                recorder.finish()
                raise

    def recorder(self, store: Store, run_id: int | None = None) -> Recorder:
        """Begin a run in an open record, or go on with one that was interrupted; whoever asks ends it.

        Args:
            store: Where it is recorded.
            run_id: The run to go on with; None for a new one.

        Raises:
            RecordError: if it cannot be recorded.
        """
        if run_id is not None:
            recover(store, PLACES)
            return Recorder(store, run_id, self._read_at)
        return Recorder.begin(store, self.run_record(), self._read_at)

    def rules_now(self) -> Rules:
        """Give the rules, with what was published until now counted where the procedure has limits."""
        return self._counted()

    def replaces_name(self, stem: str) -> bool:
        """Say whether a file's name, given without its ending, is replaced by a neutral one."""
        return self._naming.replaces(stem)

    def _rules_for(self, target: Path) -> Rules:
        """The rules for one target, whose name may ask for another container than the source's."""
        rules = self._counted()
        return replace(rules, format=rules.format or format_of_name(target))

    def _counted(self) -> Rules:
        """The rules, with what was published until now counted where the procedure has limits."""
        if self.rules.counts and self._school.is_file():
            with Store(self._school) as store:
                published = count_published(store, self.rules.policy, self.rules.purpose, self.rules.on)
            self.rules = replace(self.rules, published=published)
        return self.rules

    def _output(self, plan: Plan, overwrite: bool) -> OutputFolder | RemoteFolder:
        if isinstance(plan.out, Remote):
            return RemoteFolder(plan.out, overwrite, plan.inputs)
        return self.output_folder(plan, overwrite)

    def output_folder(self, plan: Plan, overwrite: bool = False) -> OutputFolder:
        """Give the folder in which a plan is carried out, which guards the inputs."""
        roster = {self._roster.path.resolve()} if self._roster else set()
        return OutputFolder(plan.out, overwrite, plan.inputs | roster)

    def _open_record(self) -> Recorder:
        if self._recorder is None:
            store = Store(self._school)
            try:
                self._recorder = Recorder.begin(store, self.run_record(), self._read_at)
            except BaseException:
                store.close()
                raise
        return self._recorder

    def run_record(self) -> RunRecord:
        """Give what the record tells of a run with this guard."""
        return run_record(self.rules, self._under, self._publication, self._roster)
