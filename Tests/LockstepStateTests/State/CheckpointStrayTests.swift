import LockstepState
import LockstepFiles
import LockstepTestSupport
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What else may lie in a directory of checkpoints.
@Suite struct CheckpointStrayTests {
  @Test func straysArePassedOverAndLeftAlone() throws {
    try withTemporaryDirectory { directory in
      let store = CheckpointStore(directory, keep: 2)
      try store.prepare()
      let registry = try SmallState().registry()
      for step in 1...3 {
        _ = try store.save(registry, step: step, configuration: smallConfiguration)
      }
      let files = SystemFileSystem()
      // Names that are not a step's, and steps' names of what is no file.
      try AtomicFile.write("\(directory)/notes.txt", text: "")
      for name in ["step-7.safetensors", "step-+00000009.safetensors", "step-.safetensors"] {
        try AtomicFile.write("\(directory)/\(name)", text: "x")
      }
      try files.createDirectory(store.path(ofStep: 90))
      mkfifo(store.path(ofStep: 91), 0o600)
      symlink("/dev/zero", store.path(ofStep: 92))
      symlink(store.path(ofStep: 3), store.path(ofStep: 93))
      try files.createDirectory("\(directory)/.x@h@1@0.lockstep-temporary")
      #expect(try store.steps() == [2, 3])
      #expect(try store.strays().count == 9)
      let restored = try #require(
        try store.restore(into: registry, configuration: smallConfiguration))
      #expect(restored.step == 3)
      #expect(restored.skipped.count == 9)
      #expect(restored.skipped.allSatisfy { $0.hasSuffix(": is no checkpoint") })
      try store.prepare()
      // A folder does not stand in the way of the checkpoint whose name it has.
      _ = try store.save(registry, step: 90, configuration: smallConfiguration)
      #expect(try store.steps() == [3, 90])
      #expect(FileKind(store.path(ofStep: 90) + ".stray0") == .directory)
      #expect(try store.strays().count == 9)
    }
  }

  @Test func manyStraysAreToldInFewLines() throws {
    try withTemporaryDirectory { directory in
      let store = CheckpointStore(directory)
      let registry = try SmallState().registry()
      _ = try store.save(registry, step: 1, configuration: smallConfiguration)
      for number in 0..<50 { try AtomicFile.write("\(directory)/\(number)\u{1b}[2J", text: "") }
      let restored = try store.restore(into: registry, configuration: smallConfiguration)
      #expect(restored?.skipped.count == 11)
      #expect(restored?.skipped.last?.contains("40 more files") == true)
      #expect(restored?.skipped.allSatisfy { !$0.contains("\u{1b}") } == true)
    }
  }

  @Test func damageNeverCrashes() async {
    await #expect(processExitsWith: .success) {
      try withTemporaryDirectory { directory in
        let store = CheckpointStore(directory)
        let registry = try SmallState().registry()
        let fingerprint = registry.fingerprint()
        let path = try store.save(registry, step: 4, configuration: smallConfiguration, score: 0.5)
        let sound = try contents(path)
        var mutator = Mutator(seed: 10)
        withMemoryBound {
          for _ in 0..<500 {
            let bytes = mutator.mutate(sound)
            overwrite(path, bytes)
            // What is restored is what was saved, or nothing is.
            _ = try? store.restore(into: registry, configuration: smallConfiguration)
            #expect(registry.fingerprint() == fingerprint)
            _ = try? store.bestStep()
          }
        }
      }
    }
  }
}
