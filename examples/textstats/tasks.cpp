// libtextstats.so: the bodies of the tasks.
#include "content.hpp"
#include "merging.hpp"
#include "textstats.hpp"

#include <lovage/plugin.hpp>

#include <algorithm>
#include <system_error>
#include <unordered_map>

using namespace std::chrono_literals;

namespace textstats {
namespace {

/// Counts as bytes come; a word may be cut by the end of a piece.
class text_counter {
 public:
  void add(std::string_view bytes) {
    if (!started_) binary_ = bytes.substr(0, 8192).find('\0') != bytes.npos;
    started_ = true;
    if (binary_) return;
    for (char const c : bytes) add(c);
  }
  void finish(file_stats& into, std::uint32_t top) {
    end_word();
    if (last_ != '\n') ++lines_;
    into.lines = lines_;
    into.words = words_;
    std::vector<word_count> all{seen_.begin(), seen_.end()};
    auto const n = std::min<std::size_t>(top, all.size());
    auto const more_first = [](auto const& a, auto const& b) {
      return std::pair{b.second, a.first} < std::pair{a.second, b.first};
    };
    std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n), all.end(), more_first);
    all.resize(n);
    into.top = std::move(all);
  }
  [[nodiscard]] bool binary() const noexcept { return binary_; }

 private:
  void add(char c) {
    last_ = c;
    if (c == '\n') ++lines_;
    char const lower = static_cast<char>(c | 0x20);
    if (lower < 'a' || lower > 'z') return end_word();
    if (++length_ <= 40) word_ += lower;
  }
  void end_word() {
    if (length_ > 0) ++words_;
    if (length_ >= 4 && length_ <= 40) ++seen_[word_];
    word_.clear();
    length_ = 0;
  }

  bool started_ = false, binary_ = false;
  char last_ = '\n';
  std::uint64_t lines_ = 0, words_ = 0;
  std::size_t length_ = 0;
  std::string word_;
  std::unordered_map<std::string, std::uint64_t> seen_;
};

file_stats analyse_file(std::string const& path, std::uint32_t top) {
  file_stats out;
  out.path = path;
  out.size = size_of_regular_file(path);
  out.sha256 = sha256_of_file(path);
  text_counter counter;
  bool const gzipped = read_content(path, [&](std::string_view bytes) { counter.add(bytes); });
  out.kind = counter.binary() ? "binary" : gzipped ? "gzip" : "text";
  if (!counter.binary()) counter.finish(out, top);
  return out;
}

file_stats run_analyse(std::string const& path, std::uint32_t top) {
  file_stats none;
  none.path = path;
  try {
    return analyse_file(path, top);
  } catch (bad_gzip const& e) {
    none.error = std::string{"bad_gzip: "} + e.what();
  } catch (std::system_error const& e) {
    none.error = std::string{"cannot be read: "} + e.what();
  }
  return none;
}

std::string run_line(std::string const& path, std::uint64_t number) {
  (void)size_of_regular_file(path);
  std::uint64_t ended = 0;  // lines that have their end
  bool begun = false;       // one more without
  std::string out;
  read_content(path, [&](std::string_view bytes) {
    for (char const c : bytes) {
      begun = c != '\n';
      if (begun && ended + 1 == number) out += c;
      if (!begun) ++ended;
    }
  });
  auto const lines = ended + (begun ? 1 : 0);
  if (number == 0 || lines < number)
    throw std::out_of_range{path + " has " + std::to_string(lines) + " lines, no line " + std::to_string(number)};
  return out;
}

std::string run_digest(lovage::context& self, std::vector<std::string> const& paths) {
  std::string sums;
  auto const step = std::max<std::size_t>(1, paths.size() / 50);  // fifty reports tell as much as a thousand
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (self.stop_requested()) throw self.retry(1s);
    sums += sha256_of_file(paths[i]);
    if ((i + 1) % step == 0 || i + 1 == paths.size())
      self.progress(static_cast<std::int64_t>(i + 1), static_cast<std::int64_t>(paths.size()));
  }
  return sha256_of_text(sums);
}

/// What a server that is away would cause.
struct briefly_away : std::runtime_error {
  using runtime_error::runtime_error;
};

int run_flaky(lovage::context& self) {
  if (self.retries() == 0) throw briefly_away{"the first attempt finds nobody"};
  return self.retries() + 1;
}

}  // namespace
}  // namespace textstats

LOVAGE_PLUGIN(lib) {
  using namespace textstats;
  lib.define(analyse, run_analyse);
  lib.define(merge, merged);
  lib.define(line, run_line);
  lib.define(digest, run_digest);
  lib.define(flaky, run_flaky,
             lovage::limits{}.max_retries(3).autoretry_for<briefly_away>().retry_backoff(1s).retry_jitter(false));
}
