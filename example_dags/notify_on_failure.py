"""Every morning: yesterday's figures by mail, and word to whoever is on call when that does not work.

The notifiers mail what became of the run and of one of its tasks. Whatever is wrong with such a mail is a line in the
log: it makes nothing fail. The report is a task's work, so that task fails when the mail cannot be sent; it sends the
mail once, whatever is retried.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import DAG, Param, task

from airflow_provider_sender.notifications.sender import SenderNotifier
from airflow_provider_sender.operators.messages import SenderSendMessageOperator

# The domain must be verified with the service.
FROM = "airflow@example.com"
ON_CALL = "oncall@example.com"

with DAG(
    dag_id="sender_notify_on_failure",
    description="A report by mail, and a mail when it fails",
    schedule="@daily",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["example", "sender"],
    params={
        "orders": Param(["A-1", "A-2"], type="array", description="Yesterday's orders"),
        "reader": Param("boss@example.com", type="string", description="Who reads the report"),
    },
    default_args={"retries": 1, "retry_delay": timedelta(seconds=1)},
    # [START howto_notifier_sender]
    # What it says where nothing is given: which DAG, which run, how it ended, where the log is.
    on_failure_callback=SenderNotifier(to=ON_CALL, from_email=FROM, from_name="Airflow"),
    # [END howto_notifier_sender]
) as dag:

    @task(
        # [START howto_notifier_sender_own_words]
        on_failure_callback=SenderNotifier(
            to=[ON_CALL, {"email": "shop@example.com", "name": "The Shop"}],
            from_email=FROM,
            subject="No orders on {{ ds }}",
            html="<p>Is the shop down? The task's log: {{ ti.log_url }}</p>",
        ),
        # [END howto_notifier_sender_own_words]
    )
    def count_orders(params: dict[str, list[str]] | None = None) -> int:
        """Return how many orders there were, and find it strange when there were none."""
        orders = (params or {})["orders"]
        if not orders:
            raise ValueError("There are no orders.")
        return len(orders)

    # [START howto_operator_sender_message]
    send_report = SenderSendMessageOperator(
        task_id="send_report",
        to="{{ params.reader }}",
        from_email=FROM,
        from_name="Airflow",
        subject="Orders of {{ ds }}",
        html="<p>There were <b>{{ ti.xcom_pull('count_orders') }}</b> orders.</p>",
        text="There were {{ ti.xcom_pull('count_orders') }} orders.",
    )
    # [END howto_operator_sender_message]

    count_orders() >> send_report

if __name__ == "__main__":
    dag.test()
