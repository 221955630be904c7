#include "beat/last_runs.hpp"

#include "app/revoke.hpp"
#include "beat/dispatcher.hpp"

namespace lovage::beats {

std::string last_runs::why_unknown(std::string_view call) const {
  if (!app_.has_backend()) return "no result backend is configured";
  if (!app_.reply_to().empty()) return "results of rpc:// are read by their sender alone";
  auto const sent = call_of_entry(call);
  if (sent && sent->options.ignore_result_.value_or(app_.publishing.ignore_result)) return "its results are ignored";
  return {};
}

expected<std::vector<bool>> last_runs::running(std::span<past_run const> runs, deadline until) {
  std::vector<bool> out(runs.size(), false);
  if (runs.empty()) return out;
  auto const results = app_.backend(until);
  if (!results) return fail(results.error());
  std::vector<task_id> ids;
  for (auto const& r : runs) ids.push_back(r.id);
  auto const records = (*results)->fetch(ids, until);
  if (!records) return fail(records.error());
  auto const kept = app_.settings.result_expires();
  for (std::size_t i = 0; i < runs.size(); ++i) {
    bool const forgotten = kept.count() > 0 && runs[i].due + kept < app_.now();
    out[i] = !(*records)[i].ready() && !forgotten;
  }
  return out;
}

expected<void> last_runs::cancel(task_id const& id) { return detail::revoke(app_, {&id, 1}, true, "TERM"); }

}  // namespace lovage::beats
