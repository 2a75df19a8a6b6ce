#pragma once

#include "types.h"

// The MZIs of an ideal mesh, each as two rotations of real numbers. In T = i e^{i theta/2} diag(1, -1) R diag(e^{i
// phi}, 1) only R, real, mixes two modes. Everything left of it is a phase of an output port, and of two phases that
// reach an MZI only the difference matters to it. So phases are handed on from MZI to MZI, to the outputs in the end,
// and an MZI has two things left to do: turn the phase of its upper mode, and mix. Both are rotations of a plane, (re,
// im) of the upper mode and then (upper, lower) of either part; a rotation is three shears, of one multiply-add each:
// 9 instructions for an MZI and sample instead of the 16 of a complex 2x2 matrix.

namespace retrolux::RETROLUX_ISA {

/// A rotation by x as shears by tan(x/2), sin(x) and tan(x/2); |x| is at most pi/2, so that neither exceeds one.
template <class T>
struct Shears {
    T tangent, sine;
};

template <class T>
struct Rotation {
    Shears<T> phase;  ///< of the upper mode
    Shears<T> mix;
};

/// An ideal mesh, ready for light. The caller gives room.
template <class T>
struct Rotations {
    Rotation<T>* mzis;  ///< (mzis)
    T* slopes;          ///< (mzis) change of the mixing angle with theta, 1/2 or -1/2; or null: not wanted
    T* cosine;          ///< (modes) of the phase that each output is left with, gamma included
    T* sine;            ///< (modes)
};

/// Needs a mesh without coupler errors and losses.
template <class T>
void find_rotations(const Mesh<T>& mesh, const Rotations<T>& rotations, int threads);

}  // namespace retrolux::RETROLUX_ISA
