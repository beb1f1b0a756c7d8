"""Known-wrong behaviours: whoever believes the checkers has to see them catch these.

Each mutant is a class whose docstring says what is wrong, made of production classes with one step changed. None is a
switch in the product.

- `mutant`        what a mutant is, and how it is switched on for one seed
- `commits`, `owning`, `ticking`, `deciding`, `keeping`, `working`, `projecting`   the mutants of each part
- `hunt`          plays seeds until a mutant is caught, and tells of it
"""

from collections.abc import Mapping
from types import MappingProxyType

from tests.sim.mutants import commits, deciding, keeping, owning, projecting, ticking, working
from tests.sim.mutants.mutant import Mutant

MUTANTS: Mapping[str, Mutant] = MappingProxyType(
    {
        mutant.name: mutant
        for mutant in (
            commits.NoFencing(),
            commits.UnknownTakenAsFailed(),
            commits.UnknownTakenAsWritten(),
            commits.CheckpointOutsideTransaction(),
            commits.WatermarkBeforeFires(),
            owning.GoesOnFromBefore(),
            owning.LeavesAfterAFailure(),
            ticking.TickerResumesFromNow(),
            ticking.FixedJobFiresTwice(),
            ticking.MisfirePolicyIgnored(),
            deciding.InputsReadFromTheEnd(),
            deciding.ReplayFromTooLate(),
            deciding.FiresNotRecognised(),
            deciding.CommandsNotRecognised(),
            deciding.LostTooEarly(),
            deciding.LateResultAccepted(),
            deciding.CancelledAndHandedOut(),
            deciding.PauseNotHonoured(),
            deciding.SuspensionNotHonoured(),
            deciding.OneTooManyAtATime(),
            deciding.RetryDelayIgnored(),
            deciding.AtMostOnceRunAgain(),
            deciding.PoisonStopsThePartition(),
            deciding.PoisonDroppedSilently(),
            keeping.RunsNotCounted(),
            keeping.CaughtUpAllAtOnce(),
            keeping.QueuesWithoutBounds(),
            keeping.EveryReasonIsOverlap(),
            keeping.JobsVersionsStandStill(),
            keeping.TenantsVersionsStandStill(),
            working.AttemptsStartEarly(),
            working.OwnClockBelieved(),
            working.LeaseNotChecked(),
            working.TimeoutNotEnforced(),
            working.RevocationIgnored(),
            working.TasksOfOthersRun(),
            projecting.RowsWithoutPositions(),
            projecting.PositionsWithoutRows(),
            projecting.RowsReplaceNewerOnes(),
            projecting.OnePartitionProjected(),
        )
    }
)
