// A terminal as a screen of lines: only what changed is written, and the terminal is as before at whatever end.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lovage::cli {

/// One at a time in a program. From construction to destruction the terminal shows its other screen, without a cursor,
/// and hands keys over as they are pressed. A crash puts it back, too.
class top_screen {
 public:
  top_screen();
  ~top_screen();
  top_screen(top_screen const&) = delete;
  top_screen& operator=(top_screen const&) = delete;

  struct size {
    std::size_t width = 80, height = 24;
  };
  [[nodiscard]] static size measure();
  /// Lines beyond the last are blank. `anew`: whatever the terminal shows, all is written.
  void show(std::vector<std::string> const& lines, bool anew = false);
  /// Gives the terminal back and stops this process, as ctrl-Z does; goes on when it is continued.
  void suspend();

 private:
  void enter();
  static void leave() noexcept;
  std::vector<std::string> shown_;
};

}  // namespace lovage::cli
