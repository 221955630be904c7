// The look of --help.
#pragma once

#include <memory>

namespace CLI {
class FormatterBase;
}

namespace lovage::cli {

[[nodiscard]] std::shared_ptr<CLI::FormatterBase> make_help_formatter();

}  // namespace lovage::cli
