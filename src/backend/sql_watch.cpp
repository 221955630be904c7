#include "backend/sql_watch.hpp"

#include "io/polling.hpp"
#include "sql/postgres_session.hpp"

#include <sys/eventfd.h>

#include <algorithm>
#include <unordered_set>

namespace lovage::backend {
namespace {

using namespace std::chrono_literals;
using wire::result_record;

// Between two questions: as short as this after something came, growing to the longest.
constexpr auto shortest_pause = 10ms;
constexpr auto longest_pause = 500ms;
// Where the database tells, asking is for what Python stores, and what was told while we were not connected.
constexpr auto pause_when_told = 500ms;
// A question is asked to its end, also where the caller's deadline is nearer: a connection is not thrown away for it.
constexpr auto shortest_question = 250ms;

class sql_watch final : public watch {
 public:
  sql_watch(records_reader read, std::string address, io::descriptor wake)
      : read_{std::move(read)}, address_{std::move(address)}, wake_{std::move(wake)} {}

  void add(std::span<task_id const> ids) override {
    for (auto const& id : ids)
      if (watched_.try_emplace(id.str()).second) fresh_.push_back(id.str());
  }
  void remove(task_id const& id) override {
    watched_.erase(id.str());
    std::erase_if(news_, [&](auto const& r) { return r.id == id; });
    if (watched_.empty()) stop_listening();
  }
  void interrupt() override {
    std::uint64_t const one = 1;
    [[maybe_unused]] auto const n = ::write(wake_.get(), &one, sizeof one);
  }
  expected<std::vector<result_record>> next(deadline until) override;

 private:
  [[nodiscard]] bool take_interrupt() {
    std::uint64_t n = 0;
    return ::read(wake_.get(), &n, sizeof n) > 0;
  }
  expected<void> look(std::vector<std::string> const& at, deadline until);
  void collect(std::string const& id, expected<result_record> const& found);
  void start_listening(deadline until);
  void stop_listening();
  void wait(deadline until);
  [[nodiscard]] std::vector<std::string> due();

  records_reader const read_;
  std::string const address_;
  io::descriptor const wake_;
  std::unordered_map<std::string, std::optional<result_record>> watched_;  ///< and what was shown last
  std::vector<std::string> fresh_;                                         ///< added, and not yet looked at
  std::unordered_set<std::string> told_;                                   ///< by the database
  std::vector<result_record> news_;
  std::vector<error_info> faults_;
  std::optional<error_info> trouble_;  ///< why nothing could be asked last time
  std::unique_ptr<sql::postgres_session> listener_;
  bool listens_ = false;
  std::chrono::milliseconds pause_{shortest_pause};
  deadline ask_at_ = deadline::now();
};

void sql_watch::collect(std::string const& id, expected<result_record> const& found) {
  auto const at = watched_.find(id);
  if (at == watched_.end()) return;
  if (!found) {
    watched_.erase(at);
    faults_.push_back(found.error());
    return;
  }
  if (found->status == wire::state::pending || at->second == *found) return;
  if (found->ready()) {
    watched_.erase(at);
  } else {
    at->second = *found;
  }
  news_.push_back(*found);
}

expected<void> sql_watch::look(std::vector<std::string> const& at, deadline until) {
  if (at.empty()) return {};
  std::vector<task_id> ids;
  for (auto const& id : at) ids.emplace_back(id);
  auto const limit = until.left() < shortest_question ? deadline::in(shortest_question) : until;
  auto const found = read_(ids, limit);
  if (!found) return trouble_ = found.error(), fail(*trouble_);
  trouble_.reset();
  auto const before = news_.size();
  for (std::size_t i = 0; i < at.size(); ++i) collect(at[i], (*found)[i]);
  if (news_.size() > before) pause_ = shortest_pause;
  return {};
}

/// The ids to be asked for now: all at times, else those that are new or were told.
std::vector<std::string> sql_watch::due() {
  std::vector<std::string> out;
  if (ask_at_.passed()) {
    for (auto const& [id, shown] : watched_) out.push_back(id);
    pause_ = listens_ ? pause_when_told : std::min<std::chrono::milliseconds>(pause_ * 3 / 2, longest_pause);
    ask_at_ = deadline::in(pause_);
  } else {
    for (auto const& id : fresh_)
      if (watched_.contains(id)) out.push_back(id);
    for (auto const& id : told_)
      if (watched_.contains(id)) out.push_back(id);
  }
  fresh_.clear();
  told_.clear();
  return out;
}

// Without a listener the same is found by asking: its errors are told by whoever asks.
void sql_watch::start_listening(deadline until) {
  if (address_.empty() || (listens_ && listener_->alive())) return;
  auto const limit = until.left() < shortest_question ? deadline::in(shortest_question) : until.sooner(5s);
  if (!listener_ || !listener_->alive()) {
    listener_.reset();
    listens_ = false;
    auto made = sql::postgres_session::open(address_, limit);
    if (!made) return;
    listener_ = *std::move(made);
  }
  listens_ = listener_->listen(result_channel, limit).has_value();
  ask_at_ = deadline::now();  // what came before is not told
}

// Nobody reads while nothing is watched, and what is not read piles up at the server.
void sql_watch::stop_listening() {
  if (!std::exchange(listens_, false)) return;
  if (!listener_->unlisten(result_channel, 1s)) listener_.reset();
}

void sql_watch::wait(deadline until) {
  if (!listens_) {
    (void)io::wait_for(wake_.get(), POLLIN, until);
    return;
  }
  auto const told = listener_->wait_notified(until, wake_.get());
  if (!told) {
    listens_ = false;
    trouble_ = told.error();
    ask_at_ = deadline::now();
    return;
  }
  for (auto const& n : *told)
    for (std::string_view left{n.payload}; !left.empty();) {
      auto const end = std::min(left.find('\n'), left.size());
      told_.emplace(left.substr(0, end));
      left.remove_prefix(std::min(end + 1, left.size()));
    }
}

expected<std::vector<result_record>> sql_watch::next(deadline until) {
  for (;;) {
    if (!watched_.empty()) start_listening(until);
    auto const looked = look(due(), until);
    if (!looked && looked.error().code != errc::unavailable && looked.error().code != errc::timeout)
      return fail(looked.error());
    bool const interrupted = take_interrupt();
    if (watched_.empty()) stop_listening();
    if (!news_.empty()) return std::exchange(news_, {});
    if (!faults_.empty()) {
      auto why = std::move(faults_.back());
      faults_.pop_back();
      return fail(std::move(why));
    }
    if (interrupted || watched_.empty()) return std::vector<result_record>{};
    if (until.passed() && trouble_) return fail(*trouble_);
    if (until.passed()) return std::vector<result_record>{};
    if (!looked) ask_at_ = deadline::in(pause_when_told);
    wait(until.sooner(ask_at_));
  }
}

}  // namespace

expected<std::unique_ptr<watch>> make_sql_watch(records_reader read, std::string address) {
  io::descriptor wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!wake) return fail(errc::internal, "the system gives no event descriptor");
  return std::unique_ptr<watch>{std::make_unique<sql_watch>(std::move(read), std::move(address), std::move(wake))};
}

}  // namespace lovage::backend
