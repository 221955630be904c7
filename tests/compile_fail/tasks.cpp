// What does not fit a task's declaration does not compile, and says so in one sentence of ours.
#include <lovage/app.hpp>

constexpr lovage::task<int(int, int)> add{"shop.add", {"x", "y"}};
#ifdef a_parameter_without_a_name_is_refused
constexpr lovage::task<int(int, int)> half_named{"shop.half", {"x"}};
#endif
#ifdef more_names_than_parameters_are_refused
constexpr lovage::task<int(int)> over_named{"shop.over", {"x", "y"}};
#endif

struct opaque {};

int use(lovage::app& app) {
#ifdef delay_wants_every_argument
  app.task(add).delay(2);
#endif
#ifdef delay_wants_the_right_types
  app.task(add).delay(2, "x");
#endif
#ifdef a_signature_takes_no_more_than_the_task
  (void)add.s(1, 2, 3);
#endif
#ifdef a_partial_signature_cannot_be_sent
  app.send(add.s(2));
#endif
#ifdef a_body_takes_the_tasks_parameters
  app.tasks().define(add, [](std::string const&) { return 1; });
#endif
#ifdef a_result_is_not_taken_for_another_type
  std::string const sum = app.task(add).delay(2, 3).get();
#endif
  return app.task(add).delay(2, 3).get();
}
