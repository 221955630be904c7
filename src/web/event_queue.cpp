#include "web/event_queue.hpp"

#include <algorithm>
#include <utility>

namespace lovage::web {

shared_event make_event(std::string kind, std::string_view json, bool state, std::size_t items) {
  auto out = std::make_shared<live_event>();
  out->text.reserve(kind.size() + json.size() + 18);
  out->text.append("event: ").append(kind).append("\ndata: ").append(json).append("\n\n");
  out->kind = std::move(kind);
  out->state = state;
  out->items = items;
  return out;
}

void event_queue::make_room(live_event const& for_this) {
  auto const same = [&](shared_event const& e) { return e->kind == for_this.kind; };
  auto const have = static_cast<std::size_t>(std::count_if(waiting_.begin(), waiting_.end(), same));
  if (have == 0 || (!for_this.state && have < lists_)) return;
  auto const oldest = std::find_if(waiting_.begin(), waiting_.end(), same);
  if (!for_this.state) {
    auto const note =
        std::find_if(missed_.begin(), missed_.end(), [&](auto const& m) { return m.first == for_this.kind; });
    if (note == missed_.end()) {
      missed_.emplace_back(for_this.kind, (*oldest)->items);
    } else {
      note->second += (*oldest)->items;
    }
  }
  waiting_.erase(oldest);
}

void event_queue::push(shared_event e) {
  std::function<void()> wake;
  {
    std::lock_guard const lock{mutex_};
    if (closed_) return;
    make_room(*e);
    waiting_.push_back(std::move(e));
    wake = wake_;
  }
  if (wake) wake();
}

std::string event_queue::take() {
  std::lock_guard const lock{mutex_};
  std::string out;
  for (auto const& [kind, items] : missed_)
    out += "event: " + kind + "\ndata: {\"" + kind + "\": [], \"more\": " + std::to_string(items) + "}\n\n";
  for (auto const& e : waiting_) out += e->text;
  missed_.clear();
  waiting_.clear();
  return out;
}

void event_queue::on_push(std::function<void()> wake) {
  std::lock_guard const lock{mutex_};
  wake_ = std::move(wake);
}

void event_queue::close() {
  std::function<void()> wake;
  {
    std::lock_guard const lock{mutex_};
    closed_ = true;
    wake = wake_;
  }
  if (wake) wake();
}

bool event_queue::closed() const {
  std::lock_guard const lock{mutex_};
  return closed_;
}

std::size_t event_queue::waiting() const {
  std::lock_guard const lock{mutex_};
  return waiting_.size();
}

}  // namespace lovage::web
