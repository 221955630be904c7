#include "execute/traceback.hpp"

namespace lovage::execute {
namespace {

std::string line_of(thrown const& t) { return t.message.empty() ? t.type + "\n" : t.type + ": " + t.message + "\n"; }

}  // namespace

std::string traceback_of(request const& r, policy const& with, thrown const& last, std::vector<thrown> const& causes) {
  std::string out = "Task " + r.label() + " on " + with.node + " (queue " + r.queue.str();
  if (r.message.retries > 0) out += ", retry " + std::to_string(r.message.retries);
  if (r.attempts > 0) out += ", delivery " + std::to_string(r.attempts + 1);
  out += "):\n";
  for (auto cause = causes.rbegin(); cause != causes.rend(); ++cause) out += line_of(*cause) + "\nled to\n\n";
  return out + line_of(last);
}

}  // namespace lovage::execute
