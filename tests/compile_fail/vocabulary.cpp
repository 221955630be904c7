// Identifiers are distinct types, and an error cannot be overlooked.
#include <lovage/expected.hpp>
#include <lovage/types.hpp>

lovage::expected<int> answer() { return 42; }

int main() {
  lovage::queue_name queue{"celery"};
  lovage::task_id const id{"d3adb33f"};
#ifdef a_task_id_is_not_a_queue_name
  lovage::queue_name wrong = id;
#endif
#ifdef a_string_is_not_a_queue_name
  lovage::queue_name wrong = "celery";
#endif
#ifdef an_expected_is_not_ignored
  answer();
#endif
  return id.empty() || queue.empty() || !answer();
}
