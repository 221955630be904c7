#include "sql/placeholders.hpp"

namespace lovage::sql {

std::string numbered(std::string_view statement) {
  std::string out;
  char quote = 0;
  int next = 1;
  for (char const c : statement) {
    if (quote == 0 && (c == '\'' || c == '"'))
      quote = c;
    else if (c == quote)
      quote = 0;
    if (c == '?' && quote == 0)
      out += '$' + std::to_string(next++);
    else
      out += c;
  }
  return out;
}

}  // namespace lovage::sql
