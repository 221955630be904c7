from celery import current_app
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Charges a card, by a C++ task that is known by its name only."

    def add_arguments(self, parser):
        parser.add_argument("card")
        parser.add_argument("cents", type=int)

    def handle(self, *args, card, cents, **options):
        result = current_app.send_task("shop.charge", args=[card], kwargs={"cents": cents})
        try:
            self.stdout.write(result.get(timeout=10))
        except ValueError as refused:  # std::invalid_argument in C++
            raise CommandError(str(refused)) from refused
