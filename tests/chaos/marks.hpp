#pragma once

#include <lovage/task.hpp>

namespace chaos {

/// Waits, then appends one line "name" to the file, in one write.
inline constexpr lovage::task<void(std::string, std::string, int)> mark{"chaos.mark", {"name", "file", "milliseconds"}};

/// The same with a line "name text", where the text is that of the sending by which it came (wire/once.hpp).
inline constexpr lovage::task<void(std::string, std::string, int)> sending{"chaos.sending",
                                                                           {"name", "file", "milliseconds"}};

/// As `mark`, and then asks to be retried until that has happened `times` times, which it returns.
inline constexpr lovage::task<int(std::string, std::string, int)> again{"chaos.again", {"name", "file", "times"}};

/// The same, and then takes its process down: always, or only where no file `file`.`name` was before.
inline constexpr lovage::task<void(std::string, std::string, bool)> crash{"chaos.crash", {"name", "file", "always"}};

/// The same, and then rejects its message for good.
inline constexpr lovage::task<void(std::string, std::string)> refuse{"chaos.refuse", {"name", "file"}};

}  // namespace chaos
