#include "backend/rpc/kept_replies.hpp"

namespace lovage::backend::rpc {

bool kept_replies::keep(wire::result_record const& r, std::size_t size) {
  auto const at = by_id_.find(r.id.str());
  if (at != by_id_.end()) {
    if (at->second->record.status == wire::state::success) return false;
    drop(at->second);
  }
  oldest_first_.push_back({r, size});
  by_id_.emplace(r.id.str(), std::prev(oldest_first_.end()));
  bytes_ += size;
  while (oldest_first_.size() > within_.records || (bytes_ > within_.bytes && oldest_first_.size() > 1))
    drop(oldest_first_.begin()), ++dropped_;
  return true;
}

wire::result_record const* kept_replies::find(std::string const& id) const {
  auto const at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : &at->second->record;
}

void kept_replies::forget(std::string const& id) {
  if (auto const at = by_id_.find(id); at != by_id_.end()) drop(at->second);
}

void kept_replies::drop(order::iterator at) {
  bytes_ -= at->size;
  by_id_.erase(at->record.id.str());
  oldest_first_.erase(at);
}

}  // namespace lovage::backend::rpc
