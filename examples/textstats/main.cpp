// textstats: sends one task per file of a directory and one that merges what they find: a chord.
#include "find_files.hpp"
#include "progress_bar.hpp"
#include "summary.hpp"
#include "textstats.hpp"

#include <lovage/app.hpp>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

using namespace std::chrono_literals;

namespace textstats {
namespace {

constexpr std::uint32_t top_words = 40;
constexpr std::size_t digested_files = 1000;
constexpr auto patience = 10s;  // after so long without news, say so

constexpr char const* usage =
    "usage: textstats [DIR] [--broker URL] [--stop-after SECONDS]\n"
    "Sends one task per file below DIR (default /usr/share/doc) and prints what they found.\n"
    "A worker runs them: lovage worker -A libtextstats.so\n";

struct options {
  std::string dir = "/usr/share/doc";
  std::string broker;
  std::optional<std::chrono::seconds> stop_after;
};

std::optional<options> read_options(int argc, char** argv) {
  options out;
  for (int i = 1; i < argc; ++i) {
    std::string_view const arg = argv[i];
    bool const has_value = i + 1 < argc;
    if (arg == "--broker" && has_value) {
      out.broker = argv[++i];
    } else if (arg == "--stop-after" && has_value) {
      out.stop_after = std::chrono::seconds{std::atoi(argv[++i])};
    } else if (!arg.starts_with("-")) {
      out.dir = arg;
    } else {
      return std::nullopt;
    }
  }
  return out;
}

lovage::config settings(options const& given) {
  auto c = lovage::config::discover();
  if (!given.broker.empty()) c.broker_url(given.broker).result_backend(given.broker);
  return c;
}

/// Shows how many of the files are done, until all are, or the deadline passes: how many are.
std::size_t watch(lovage::app& on, std::vector<lovage::task_id> const& ids, lovage::deadline until) {
  progress_bar bar{ids.size()};
  auto open = ids;
  while (!open.empty() && !until.passed()) {
    std::vector<bool> ready(open.size());
    std::size_t done = ids.size() - open.size();
    auto const took = on.follow(
        open,
        [&](std::size_t place, lovage::task_status const& status) {
          if (!status.ready()) return;
          ready[place] = true;
          bar.show(++done, 0);
        },
        until.sooner(patience));
    std::size_t at = 0;
    std::erase_if(open, [&](lovage::task_id const&) { return ready[at++]; });
    if (took == 0 && !until.passed())
      std::printf("  no result for %lld seconds; is a worker running? lovage worker -A libtextstats.so\n",
                  static_cast<long long>(patience.count()));
  }
  bar.finish(ids.size() - open.size(), 0);
  return ids.size() - open.size();
}

std::string shown(lovage::value const& v) {
  auto const number = [&](char const* key) {
    auto const* found = v.find(key);
    auto const* n = found ? found->get_if<std::int64_t>() : nullptr;
    return n ? std::to_string(*n) : std::string{"?"};
  };
  if (v.find("current")) return number("current") + " of " + number("total");
  if (auto const* text = v.get_if<std::string>()) return *text;
  if (auto const* n = v.get_if<std::int64_t>()) return std::to_string(*n);
  return {};
}

/// Three tasks whose way is worth watching: every state that they are seen in is one line.
void show_three(lovage::app& app, std::vector<std::string> const& paths, std::string const& text_file) {
  std::vector<std::string> const some(
      paths.begin(), paths.begin() + static_cast<std::ptrdiff_t>(std::min(digested_files, paths.size())));
  std::vector<lovage::task_id> const ids{app.task(flaky).delay().id(),
                                         app.task(line).delay(text_file, 1'000'000'000).id(),
                                         app.task(digest).delay(some).id()};
  static constexpr char const* titles[] = {"retried", "failing", "progress"};
  std::size_t progress_seen = 0;
  std::string last_progress;
  std::printf("\n  three tasks, state by state\n");
  auto const ready = app.follow(
      ids,
      [&](std::size_t i, lovage::task_status const& s) {
        if (s.state == "PENDING") return;
        if (s.state == "PROGRESS") {  // many: the last one is shown
          ++progress_seen;
          last_progress = shown(s.result);
          return;
        }
        if (i == 2 && progress_seen > 0)
          std::printf("  %-9s %-9s seen %zu times, last: %s\n", titles[i], "PROGRESS", progress_seen,
                      last_progress.c_str());
        auto const why = s.failure();
        std::printf("  %-9s %-9s %s\n", titles[i], s.state.c_str(),
                    why ? why->detail.c_str() : shown(s.result).c_str());
        std::fflush(stdout);
      },
      60s);
  if (ready < ids.size()) std::printf("  %zu of them gave no result within a minute\n", ids.size() - ready);
}

int run(options const& given) {
  auto const files = find_files(given.dir);
  lovage::app app{settings(given)};
  std::printf("  %zu files below %s\n", files.paths.size(), given.dir.c_str());

  // One task for each file, and one with what all of them found.
  std::vector<lovage::signature<file_stats()>> calls;
  for (auto const& path : files.paths) calls.push_back(analyse.s(path, top_words));
  auto const started = std::chrono::steady_clock::now();
  auto const seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  };
  auto const found = app.send(lovage::group(calls) | merge.s());
  std::printf("  %zu tasks sent in %.3f s\n", calls.size(), seconds());
  std::fflush(stdout);

  auto const until = given.stop_after ? lovage::deadline::in(*given.stop_after) : lovage::deadline::never();
  auto ids = lovage::task_ids(found.tree());
  ids.pop_back();  // the last one merges
  if (watch(app, ids, until) < ids.size()) return std::printf("\n  stopped before all results were there\n"), 1;
  auto all = found.get(until.sooner(60s));
  for (auto const& [path, why] : files.passed_over) all.failures[why].push_back(path);
  print(all);
  auto const took = seconds();
  if (!files.paths.empty()) show_three(app, files.paths, all.largest_text);
  std::printf("\n  done in %.1f s\n", took);
  return 0;
}

}  // namespace
}  // namespace textstats

int main(int argc, char** argv) try {
  auto const given = textstats::read_options(argc, argv);
  if (!given) return std::fputs(textstats::usage, stderr), 2;
  return textstats::run(*given);
} catch (std::exception const& e) {
  std::fprintf(stderr, "textstats: %s\n", e.what());
  return 1;
}
