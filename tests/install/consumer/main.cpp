// A stranger's program: uses what is in the library, not only in the headers.
#include <lovage/app.hpp>
#include <lovage/config.hpp>
#include <lovage/pack.hpp>
#include <lovage/task.hpp>
#include <lovage/value.hpp>
#include <lovage/version.hpp>

#include <cstdio>

inline constexpr lovage::task<int(int, int)> add{"stranger.add", {"x", "y"}};

int main() {
  lovage::packer bytes;
  bytes.array(2);
  bytes.integer(2);
  bytes.text("x");
  if (bytes.out().size() != 4) return 1;

  lovage::app app{lovage::config{}.broker_url("memory://").result_backend("memory://")};
  auto const sum = add.s(2, 3);
  (void)sum;
  std::puts("lovage " LOVAGE_VERSION);
}
