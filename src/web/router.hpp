// Which handler serves a path.
#pragma once

#include "web/message.hpp"

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::web {

using handler = std::function<response(request const&)>;

/// What a caller must be.
enum class access {
  open,     ///< anybody
  view,     ///< viewers and operators
  operate,  ///< operators, and not in read-only mode
};

/// One operation, with what its description says of it.
struct route {
  std::string method;   ///< "GET"
  std::string pattern;  ///< "/api/v1/tasks/{id}"; a last {name+} takes slashes too
  web::access access = web::access::view;
  handler serve;
  std::string summary = {};
  /// "name: what it is" for each member of the query, or of the body where the route writes.
  std::vector<std::string> takes = {};
  bool waits = true;     ///< may wait for others, and is called by a pool of threads; false: by the server's own thread
  bool audited = false;  ///< what it was asked and what came of it are kept
  bool flower = false;   ///< as Flower has it: forms too, and no CSRF token for programs
};

struct routed {
  route const* to = nullptr;  ///< nothing: no such path, or not with this method
  fields parameters;
  std::string allowed;  ///< methods of the path, "GET, POST"; empty: no such path
};

/// *Threads*: filled before it is asked, then any.
class router {
 public:
  router& add(route r);
  [[nodiscard]] routed find(std::string_view method, std::string_view raw_path) const;
  [[nodiscard]] std::span<route const> routes() const noexcept { return routes_; }

 private:
  std::vector<route> routes_;
};

}  // namespace lovage::web
