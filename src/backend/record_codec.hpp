// Result records to bytes and back, as the settings of a backend say.
#pragma once

#include "backend/result_backend.hpp"
#include "wire/serializer.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace lovage::backend {

/// *Threads*: any.
class record_codec {
 public:
  /// Writes with `result_serializer`; reads that and what `accept_content` names. Error `bad_config`.
  [[nodiscard]] static expected<record_codec> make(settings const& with);

  [[nodiscard]] wire::serializer const& writes() const noexcept { return *writes_; }
  [[nodiscard]] expected<std::string> write(wire::result_record const& r) const;
  /// A stored record bears no name of its form: its first byte tells. `id` is whose record it is, whatever it says.
  /// Errors: `decode`, `not_accepted`, `not_supported` (pickle), each with "task <id>".
  [[nodiscard]] expected<wire::result_record> read(std::string_view bytes, std::string_view id) const;
  /// The same of a message, which says its form, and whose it is.
  [[nodiscard]] expected<wire::result_record> read_as(std::string_view content_type, std::string_view bytes) const;

 private:
  record_codec() = default;
  wire::serializer const* writes_ = nullptr;
  std::vector<wire::serializer const*> reads_;
};

}  // namespace lovage::backend
