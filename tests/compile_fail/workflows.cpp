// Workflows whose steps do not fit together do not compile, and say so in one sentence of ours.
#include <lovage/app.hpp>

constexpr lovage::task<int(int, int)> add{"shop.add", {"x", "y"}};
constexpr lovage::task<std::string(std::string)> upper{"shop.upper", {"text"}};
constexpr lovage::task<int(std::vector<int>)> total{"shop.total", {"xs"}};
constexpr lovage::task<void()> nothing{"shop.nothing"};

int use(lovage::app& app) {
  using lovage::group;
#ifdef a_step_takes_what_the_one_before_gives
  (void)(add.s(1, 2) | upper.s());
#endif
#ifdef a_step_misses_no_more_than_one_argument
  (void)(add.s(1, 2) | add.s());
#endif
#ifdef nothing_is_given_to_a_step_that_misses_something
  (void)(nothing.s() | add.s(1));
#endif
#ifdef a_body_takes_what_the_members_give
  (void)(group(add.s(1, 2), upper.s("x")) | total.s());
#endif
#ifdef a_body_of_one_value_takes_no_list
  (void)(group(add.s(1, 2), add.s(3, 4)) | add.s(1));
#endif
#ifdef members_miss_the_same
  (void)group(add.s(1), upper.s());
#endif
#ifdef a_partial_workflow_cannot_be_sent
  app.send(add.s(1) | add.s(2));
#endif
#ifdef with_takes_what_is_missing
  (void)(add.s(1) | add.s(2)).with("x");
#endif
#ifdef a_link_takes_what_the_workflow_gives
  (void)(add.s(1, 2) | add.s(3)).link(upper.s());
#endif
#ifdef the_result_of_a_workflow_has_its_type
  std::string const sum = app.send(add.s(1, 2) | add.s(3)).get();
#endif
#ifdef the_header_of_a_chord_is_a_group
  (void)lovage::chord(add.s(1, 2), add.s(3));
#endif
  return app.send(group(add.s(1, 2), add.s(3, 4)) | total.s() | add.s(1)).get();
}
