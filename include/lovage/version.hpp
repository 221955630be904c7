#pragma once

/// The release these headers belong to; CMake reads it from here.
#define LOVAGE_VERSION "0.1.0"
