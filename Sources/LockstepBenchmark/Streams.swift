internal import CLockstepKernels
import LockstepEngine

/// Loops that only move bytes, for bounds, and to push other data out of the caches.
struct Streams {
  private let kernels: UnsafePointer<lockstep_stream_kernels>

  init(_ isa: InstructionSet = .detected) {
    kernels = lockstep_stream_kernels_for(lockstep_isa(rawValue: isa.rawValue))
  }

  /// Reads all values; what is returned depends on all of them.
  @inline(never)
  @discardableResult
  func read(_ values: UnsafeBufferPointer<Float>) -> Float {
    values.baseAddress.map { kernels.pointee.read($0, values.count) } ?? 0
  }

  /// The traffic of an update with two moments: reads four arrays and writes three.
  func update(_ arenas: [Arena<Float>]) {
    kernels.pointee.update(
      arenas[0].base, arenas[1].base, arenas[2].base, arenas[3].base, arenas[0].count)
  }
}
