#include "backend/news.hpp"

namespace lovage::backend {

using wire::result_record;

bool news::remove(task_id const& id) {
  news_.erase(id.str());
  return watched_.erase(id.str()) > 0;
}

void news::tell(result_record const& r) {
  auto const at = watched_.find(r.id.str());
  if (at == watched_.end()) return;
  if (r.ready()) {
    watched_.erase(at);
  } else if (at->second == r) {
    return;
  } else {
    at->second = r;
  }
  news_.insert_or_assign(r.id.str(), r);
  changed_.notify_all();
}

void news::tell(std::string const& id, error_info why) {
  if (watched_.erase(id) == 0) return;
  faults_.push_back(std::move(why));
  changed_.notify_all();
}

void news::interrupt() {
  interrupted_ = true;
  changed_.notify_all();
}

expected<std::vector<result_record>> news::next(std::unique_lock<std::mutex>& lock,
                                                std::optional<error_info> const& trouble, deadline until) {
  std::vector<result_record> out;
  for (;;) {
    for (auto& [id, record] : news_) out.push_back(std::move(record));
    news_.clear();
    if (!out.empty()) return out;
    if (!faults_.empty()) {
      auto why = std::move(faults_.back());
      faults_.pop_back();
      return fail(std::move(why));
    }
    if (std::exchange(interrupted_, false) || watched_.empty()) return out;
    bool const hopeless = trouble && (trouble->code == errc::bad_config || trouble->code == errc::not_supported);
    if (trouble && (hopeless || until.passed())) return fail(*trouble);
    if (until.passed()) return out;
    if (until.is_never()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, until.when());
    }
  }
}

}  // namespace lovage::backend
