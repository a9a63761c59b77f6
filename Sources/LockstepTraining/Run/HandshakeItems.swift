import LockstepCollective
import LockstepEngine
import LockstepFiles
import LockstepPlatform

extension Handshake {
  /// Adds this program's file and the libraries that bits depend on.
  ///
  /// - Throws: `FileError` where the program's own file cannot be read.
  package mutating func addProgramAndLibraries() throws {
    add("the program's file", try Self.programFingerprint.get())
    add("oneDNN's version", ComputeLibrary.version)
    #if canImport(Glibc)
      var version = [CChar](repeating: 0, count: 64)
      confstr(Int32(_CS_GNU_LIBC_VERSION), &version, version.count)
      add("the C library's version", "\(version)")
    #endif
    add("the instruction set in use", InstructionSet.current.name)
    add("oneDNN's instruction set", "\(ComputeLibrary.effectiveInstructionSet)")
  }

  /// The hash of the file that this process runs, read once.
  private static let programFingerprint = Result { () throws(FileError) -> Fingerprint in
    let file = try FileInput("/proc/self/exe")
    let part = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { part.deallocate() }
    var stream = FingerprintStream()
    for start in stride(from: 0, to: file.size, by: part.count) {
      let bytes = UnsafeMutableRawBufferPointer(
        rebasing: part[..<min(part.count, file.size - start)])
      try file.read(into: bytes, at: start)
      stream.update(UnsafeRawBufferPointer(bytes))
    }
    return stream.fingerprint
  }
}
