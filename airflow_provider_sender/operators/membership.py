"""Who is in a group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_sender.operators.base import no_retry_when_final
from airflow_provider_sender.operators.lineage import Traffic, place_in_account
from airflow_provider_sender.operators.parameters import given, one_of, storage_path
from airflow_provider_sender.operators.row_source import RowsOperator, renames

if TYPE_CHECKING:
    from airflow.sdk import Context, ObjectStoragePath, XComArg

    from airflow_provider_sender.jobs.membership import Synced


class SenderSyncGroupOperator(RowsOperator):
    """Makes a group's members the people of some rows, or puts them in, or takes them out, in calls for many at once.

    A mirror reads the group, then takes out whoever no row names and puts in whoever is not in it. Rows are people by
    their address; other columns do not matter. Running it twice changes nothing the second time, and a run after one
    that failed half-way does what is left. Nobody's consent is changed by any of this.

    Addresses the account does not know are counted as ``missing`` and kept in ``rejects_path``, or created with
    ``create_missing``. Rows without a usable address do not stop the others; they go to ``rejects_path``, and the task
    fails at the end unless ``on_reject="warn"``. A mirror of no rows is refused: that is what a failed task before this
    one looks like.

    Returns ``{"added", "removed", "unchanged", "missing", "requests"}``, with ``create_missing`` also ``"created"``,
    ``"held"`` when people are out and would be made active by joining, and ``"rejected"`` when rows were.

    .. seealso:: :ref:`howto/operator:SenderSyncGroupOperator`

    :param group_id: the group. (templated)
    :param mode: ``mirror``: the rows are all the members there are to be. ``add``: they join. ``remove``: they leave.
        (templated)
    :param columns: source column -> what it is here: ``{"mail": "email"}``. Columns not named keep their names, and
        only ``email`` matters, unless somebody is created. (templated)
    :param create_missing: create people the account does not know, in the group, from their rows, as an upsert would:
        active, unless ``status`` says otherwise.
    :param allow_empty: let a mirror of no rows at all empty the group.
    :param rejects_path: JSONL file for rejected and for missing rows: ``line``, ``field``, ``reason``, ``row``.
        (templated)
    :param on_reject: ``fail`` or ``warn``. (templated)
    :param trigger_automation: whether automations of the service (a welcome series, say) may start for those who join.
    :param dry_run: find out what is to be done and change nothing; returns and logs it.
    """

    template_fields: Sequence[str] = (
        *RowsOperator.template_fields,
        "group_id",
        "mode",
        "columns",
        "rejects_path",
        "on_reject",
    )

    def __init__(
        self,
        *,
        group_id: str | XComArg,
        mode: str = "mirror",
        columns: Mapping[str, str | None] | XComArg | None = None,
        create_missing: bool = False,
        allow_empty: bool = False,
        rejects_path: str | ObjectStoragePath | XComArg | None = None,
        on_reject: str = "fail",
        trigger_automation: bool = False,
        dry_run: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.group_id = group_id
        self.mode = mode
        self.columns = columns
        self.create_missing = create_missing
        self.allow_empty = allow_empty
        self.rejects_path = rejects_path
        self.on_reject = on_reject
        self.trigger_automation = trigger_automation
        # Under a name of its own: ``dry_run`` is a method of every operator.
        self.is_dry_run = dry_run

    def execute(self, context: Context) -> dict[str, int]:
        """Change the group, and return how many joined and left."""
        from airflow_provider_sender.jobs.membership import AddressesRejectedError, GroupSync, SyncMode, sync_group
        from airflow_provider_sender.jobs.upsert import OnReject

        with no_retry_when_final():
            self._check_rendered()
            on_reject = one_of(OnReject, self.on_reject, "on_reject")
            how = GroupSync(
                group_id=str(given(self.group_id, "group_id")),
                mode=one_of(SyncMode, self.mode, "mode"),
                columns=renames(self.columns),
                create_missing=self.create_missing,
                allow_empty=self.allow_empty,
                trigger_automation=self.trigger_automation,
                dry_run=self.is_dry_run,
            )
            rejects = None if self.rejects_path is None else storage_path(self.rejects_path, "rejects_path")
            service = self.service()
            done = sync_group(service, self.rows(), how, rejects_path=rejects)
            counts = self._counts(done)
            group = place_in_account(service, f"groups/{how.group_id}")
            changed = done.added + done.removed + done.created
            self.tell(context, service, Traffic(self.sources(), [] if how.dry_run else [group], changed), counts)
            if done.rejected and on_reject is OnReject.FAIL:
                self.return_all_the_same(context, counts)
                raise AddressesRejectedError(done)
        return counts

    def _counts(self, done: Synced) -> dict[str, int]:
        counts = {
            "added": done.added,
            "removed": done.removed,
            "unchanged": done.unchanged,
            "missing": done.missing,
            "requests": done.requests,
        }
        if self.create_missing:
            counts["created"] = done.created
        if done.held:
            counts["held"] = done.held
        if done.rejected:
            counts["rejected"] = done.rejected
        return counts
