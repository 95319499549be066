"""What one writes by hand: a table, SQLAlchemy's ORM, a commit for each delivery, requests.Session."""

from sqlalchemy import create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from bench.peers.task import DIRECTORY, MANY, body, new_session, post

engine = create_engine(f"sqlite:///{DIRECTORY / 'naive.db'}")


@event.listens_for(engine, "connect")
def _set_pragmas(connection, _record):  # type: ignore[no-untyped-def]
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


class Base(DeclarativeBase):
    """The tables."""


class Delivery(Base):
    """One body to be delivered."""

    __tablename__ = "deliveries"
    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str]
    status: Mapped[str] = mapped_column(index=True, default="pending")


def fill() -> None:
    """Write all that is to be delivered."""
    Base.metadata.create_all(engine)
    with Session(engine) as db:
        db.add_all(Delivery(body=body(number)) for number in range(MANY))
        db.commit()


def work() -> None:
    """Deliver the oldest, until there is none."""
    session = new_session()
    oldest = select(Delivery).where(Delivery.status == "pending").order_by(Delivery.id).limit(1)
    with Session(engine) as db:
        while (one := db.scalars(oldest).first()) is not None:
            post(session, one.body)
            one.status = "delivered"
            db.commit()
