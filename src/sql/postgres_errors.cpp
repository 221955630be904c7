#include "sql/postgres_errors.hpp"

namespace lovage::sql {

std::string flat_text(std::string text) {
  if (auto const at = text.find("\nLOCATION:"); at != std::string::npos) text.resize(at);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  for (auto& c : text)
    if (c == '\n' || c == '\t') c = ' ';
  return text;
}

}  // namespace lovage::sql
