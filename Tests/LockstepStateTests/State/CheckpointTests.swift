import LockstepState
import LockstepEngine
import LockstepFiles
import LockstepTestSupport
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

let smallConfiguration: JSONValue = [
  "model": ["units": 3], "training": ["learningRate": 0.1, "epochs": 2], "seed": 1,
]

@Suite struct CheckpointTests {
  static func write(_ path: String, seed: UInt64, step: Int = 7, score: Double? = nil) throws {
    try Checkpoint.write(
      path, registry: try SmallState(seed: seed).registry(), step: step,
      configuration: smallConfiguration, score: score)
  }

  @Test func restoringGivesTheSameBits() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/c.safetensors"
      let written = SmallState(seed: 3)
      written.floats.buffer[0] = .nan
      written.doubles.buffer[0] = -0.0
      let registry = try written.registry()
      try Checkpoint.write(path, registry: registry, step: 9, configuration: smallConfiguration)
      let read = try SmallState(seed: 4).registry()
      let checkpoint = try Checkpoint(path)
      #expect(checkpoint.step == 9)
      #expect(checkpoint.score == nil)
      try checkpoint.restore(into: read, configuration: smallConfiguration)
      #expect(read.fingerprint() == registry.fingerprint())
    }
  }

  @Test func everyTruncationIsDetected() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/c.safetensors"
      try Self.write(path, seed: 1)
      let bytes = try contents(path)
      for length in 0..<bytes.count {
        overwrite(path, Array(bytes[..<length]))
        do {
          _ = try Checkpoint(path)
          Issue.record("a checkpoint cut to \(length) of \(bytes.count) bytes was accepted")
        } catch let error as FileError {
          #expect(error.kind == .truncated || error.kind == .corrupt)
          #expect(error.path == path)
        }
      }
      overwrite(path, bytes + [0])
      #expect(throws: FileError.self) { _ = try Checkpoint(path) }
      overwrite(path, bytes)
      _ = try Checkpoint(path)
    }
  }

  @Test func everyFlippedByteIsDetected() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/c.safetensors"
      try Checkpoint.write(
        path, registry: try SmallState(seed: 1).registry(), step: 7,
        configuration: smallConfiguration,
        conditions: [RunCondition("length", "20", otherwise: .refused) { $0 }], score: 0.5)
      let bytes = try contents(path)
      for position in bytes.indices {
        for bit in [position % 8, (position / 8 + 5) % 8] {
          var damaged = bytes
          damaged[position] ^= 1 << UInt8(bit)
          overwrite(path, damaged)
          do {
            _ = try Checkpoint(path)
            Issue.record("a flip of bit \(bit) of byte \(position) was accepted")
          } catch let error as FileError {
            #expect(error.kind == .truncated || error.kind == .corrupt)
          }
        }
      }
    }
  }

  @Test func anotherConfigurationIsRefusedWithTheKeys() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/c.safetensors"
      try Self.write(path, seed: 1)
      let registry = try SmallState(seed: 2).registry()
      let before = registry.fingerprint()
      let checkpoint = try Checkpoint(path)
      let other: JSONValue = [
        "model": ["units": 4], "training": ["learningRate": 0.1, "epochs": 3], "clip": 1, "seed": 1,
      ]
      #expect(
        throws: CheckpointError.configuration(
          path: path, keys: ["model.units", "training.epochs", "clip"])
      ) { try checkpoint.restore(into: registry, configuration: other) }
      #expect(
        throws: CheckpointError.configuration(path: path, keys: ["model.units", "clip"])
      ) {
        try checkpoint.restore(
          into: registry, configuration: other, Resumption(mayDiffer: ["training.epochs"]))
      }
      #expect(registry.fingerprint() == before)
      try checkpoint.restore(
        into: registry, configuration: other,
        Resumption(mayDiffer: ["training.epochs", "model", "clip"]))
      #expect(registry.fingerprint() != before)
    }
  }

  /// Conditions that differ are refused or noticed; one that a side lacks is passed over.
  @Test func conditionsAreHeldAgainstTheCheckpoints() throws {
    func condition(_ value: String, _ difference: RunCondition.Difference) -> RunCondition {
      RunCondition("schedule.length", value, otherwise: difference) { "was \($0), is \(value)" }
    }
    try withTemporaryDirectory { directory in
      let path = "\(directory)/c.safetensors"
      func restore(_ conditions: [RunCondition]) throws -> [String] {
        let registry = try SmallState(seed: 2).registry()
        let before = registry.fingerprint()
        do {
          return try Checkpoint(path).restore(
            into: registry, configuration: smallConfiguration, Resumption(conditions: conditions))
        } catch {
          #expect(registry.fingerprint() == before)
          throw error
        }
      }
      try Checkpoint.write(
        path, registry: try SmallState(seed: 1).registry(), step: 7,
        configuration: smallConfiguration, conditions: [condition("20", .refused)])
      #expect(try restore([condition("20", .refused)]).isEmpty)
      #expect(try restore([]).isEmpty)
      #expect(try restore([condition("30", .noticed)]) == ["was 20, is 30"])
      #expect(throws: CheckpointError.condition(path: path, reason: "was 20, is 30")) {
        try restore([condition("30", .refused)])
      }
      // Earlier programs wrote none.
      try Self.write(path, seed: 1)
      #expect(try restore([condition("30", .refused)]).isEmpty)
    }
  }

  @Test func anotherFormatVersionIsRefused() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/c.safetensors"
      try Checkpoint.write(
        path, StateImage(of: try SmallState().registry()), version: 2, step: 1,
        configuration: smallConfiguration, score: nil, fileSystem: SystemFileSystem())
      #expect(throws: CheckpointError.version(path: path, found: "2")) {
        try Checkpoint(path).restore(
          into: try SmallState().registry(), configuration: smallConfiguration)
      }
    }
  }

  @Test func anotherModelIsRefusedWithTheTensors() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/c.safetensors"
      try Self.write(path, seed: 1)
      let state = SmallState()
      let registry = StateRegistry()
      let layout = FlatLayout([("fc.weight", [2, 3]), ("fc2.bias", [3])])
      try registry.add(
        [StateEntry("parameters", .arena(state.arena.buffer, layout))] + state.entries[1...],
        of: state)
      do {
        try Checkpoint(path).restore(into: registry, configuration: smallConfiguration)
        Issue.record("a checkpoint of another model was accepted")
      } catch let error as FileError {
        #expect(error.reason.contains("it lacks parameters/fc2.bias"))
        #expect(error.reason.contains("it has parameters/fc.bias besides"))
        #expect(error.reason.contains("parameters/fc.weight is [3, 2], not [2, 3]"))
      }
    }
  }
}

@Suite struct CheckpointStoreTests {
  @Test func theLastAndTheBestAreKept() throws {
    try withTemporaryDirectory { directory in
      let store = CheckpointStore(directory, keep: 2)
      try store.prepare()
      let registry = try SmallState().registry()
      let scores: [Double?] = [0.3, nil, 0.9, 0.9, 0.1, nil, 0.2]
      for (index, score) in scores.enumerated() {
        _ = try store.save(
          registry, step: (index + 1) * 10, configuration: smallConfiguration, score: score)
      }
      #expect(try store.steps() == [40, 60, 70])
      #expect(try store.bestStep() == 40)
    }
  }

  @Test func onlyFiniteScoresAreBest() throws {
    try withTemporaryDirectory { directory in
      let store = CheckpointStore(directory, keep: 1)
      try store.prepare()
      let registry = try SmallState().registry()
      let scores: [Double?] = [-3, .nan, -.infinity, .infinity, nil]
      for (index, score) in scores.enumerated() {
        _ = try store.save(
          registry, step: index + 1, configuration: smallConfiguration, score: score)
      }
      #expect(try store.bestStep() == 1)
      #expect(try store.steps() == [1, 5])
    }
  }

  /// States that no finite gradient has followed do not push out the last one that has one.
  @Test func theLastHealthyOneIsKept() throws {
    try withTemporaryDirectory { directory in
      let store = CheckpointStore(directory, keep: 2)
      try store.prepare()
      let registry = try SmallState().registry()
      func save(_ step: Int, _ score: Double? = nil, proven: Int) throws -> [Int] {
        _ = try store.save(
          registry, step: step, configuration: smallConfiguration, score: score, proven: proven)
        return try store.steps()
      }
      #expect(try save(10, proven: 9) == [10])
      #expect(try save(20, proven: 19) == [10, 20])
      // Its evaluation was not finite.
      #expect(try save(30, .nan, proven: 29) == [20, 30])
      // Sick from step 31 on: 30 is proven by a gradient and refuted by its evaluation.
      for step in stride(from: 40, through: 80, by: 10) {
        #expect(try save(step, proven: 30) == [20, step - 10, step])
      }
      // Damaged, it is none any more, and nothing is in its place.
      overwrite(store.path(ofStep: 20), Array(try contents(store.path(ofStep: 20))[..<200]))
      #expect(try save(90, proven: 30) == [80, 90])
      // Healthy again.
      #expect(try save(100, proven: 99) == [90, 100])
    }
  }

  @Test func stepsOfAnyLengthAreOrderedAsNumbers() throws {
    try withTemporaryDirectory { directory in
      let store = CheckpointStore(directory, keep: 9)
      let registry = try SmallState().registry()
      for step in [1_000_000_000, 5, 20] {
        _ = try store.save(registry, step: step, configuration: smallConfiguration)
      }
      #expect(try store.steps() == [5, 20, 1_000_000_000])
    }
  }

  @Test func aDamagedCheckpointIsNamedAndTheOneBeforeIsUsed() throws {
    try withTemporaryDirectory { directory in
      let store = CheckpointStore(directory)
      for step in 1...3 {
        _ = try store.save(
          try SmallState(seed: UInt64(step)).registry(), step: step,
          configuration: smallConfiguration)
      }
      func restore() throws -> (CheckpointStore.Restored?, SmallState) {
        let state = SmallState(seed: 99)
        let restored = try store.restore(
          into: try state.registry(), configuration: smallConfiguration)
        return (restored, state)
      }
      func expected(_ seed: UInt64) throws -> Fingerprint {
        try SmallState(seed: seed).registry().fingerprint()
      }
      let (newest, state3) = try restore()
      #expect(newest?.path == store.path(ofStep: 3))
      #expect(newest?.step == 3)
      #expect(newest?.skipped == [])
      #expect(try state3.registry().fingerprint() == expected(3))

      var bytes = try contents(store.path(ofStep: 3))
      bytes[bytes.count - 1] ^= 4
      overwrite(store.path(ofStep: 3), bytes)
      let (before, state2) = try restore()
      #expect(before?.step == 2)
      #expect(before?.skipped.count == 1)
      #expect(before?.skipped.first?.hasPrefix(store.path(ofStep: 3)) == true)
      #expect(try state2.registry().fingerprint() == expected(2))

      overwrite(store.path(ofStep: 2), [])
      #expect(try restore().0?.step == 1)
      overwrite(store.path(ofStep: 1), Array(try contents(store.path(ofStep: 1))[..<100]))
      #expect(throws: CheckpointError.self) { _ = try restore() }
    }
  }

  @Test func anEmptyDirectoryHasNothingToRestore() throws {
    try withTemporaryDirectory { directory in
      let restored = try CheckpointStore(directory).restore(
        into: try SmallState().registry(), configuration: smallConfiguration)
      #expect(restored == nil)
    }
  }

  /// The bytes of a checkpoint, and its name in a directory.
  static func file(step: Int) throws -> (name: String, bytes: [UInt8]) {
    try withTemporaryDirectory { directory in
      let store = CheckpointStore(directory)
      let path = try store.save(
        try SmallState(seed: UInt64(step)).registry(), step: step,
        configuration: smallConfiguration)
      return (String(path.dropFirst(directory.count + 1)), try contents(path))
    }
  }

  @Test func whateverAPowerFailureLeavesCanBeRestored() throws {
    let first = try Self.file(step: 1)
    let fileSystem = RecordingFileSystem(initial: ["d/\(first.name)": first.bytes])
    let store = CheckpointStore("d", keep: 1, fileSystem: fileSystem)
    for step in 2...3 {
      _ = try store.save(
        try SmallState(seed: UInt64(step)).registry(), step: step,
        configuration: smallConfiguration)
    }
    var restoredSteps: Set<Int> = []
    var count = 0
    for prefix in 0...fileSystem.calls.count {
      for world in fileSystem.worlds(after: prefix) {
        try withTemporaryDirectory { directory in
          for path in world.keys.sorted() {
            let copy = "\(directory)/\(path.dropFirst(2))"
            try AtomicFile.write(copy, bytes: world[path]!)
          }
          let state = SmallState(seed: 99)
          let registry = try state.registry()
          let restored = try CheckpointStore(directory).restore(
            into: registry, configuration: smallConfiguration)
          let step = try #require(restored?.step)
          #expect(restored?.skipped == [])
          let expected = try SmallState(seed: UInt64(step)).registry().fingerprint()
          #expect(registry.fingerprint() == expected)
          restoredSteps.insert(step)
          count += 1
        }
      }
    }
    #expect(restoredSteps == [1, 2, 3])
    #expect(count > 50)
  }

  @Test func aDiskThatIsFullAtAnyCallLeavesTheOldCheckpointAlone() throws {
    let first = try Self.file(step: 1)
    var failures = 0
    for failing in 0..<100 {
      let fileSystem = RecordingFileSystem(
        initial: ["d/\(first.name)": first.bytes], failingCall: failing)
      do {
        _ = try CheckpointStore("d", keep: 2, fileSystem: fileSystem).save(
          try SmallState(seed: 2).registry(), step: 2, configuration: smallConfiguration)
        break
      } catch let error as FileError {
        #expect(error.description.contains("No space left on device"))
        #expect(error.path.hasPrefix("d"))
        failures += 1
      }
      #expect(fileSystem.visibleFiles.contains("d/\(first.name)"))
      for world in fileSystem.worlds(after: fileSystem.calls.count) {
        #expect(world["d/\(first.name)"] == first.bytes)
      }
    }
    #expect(failures > 5)
  }

  @Test func preparingRemovesWhatDeadWritersLeft() throws {
    try withTemporaryDirectory { directory in
      let store = CheckpointStore(directory)
      _ = try store.save(try SmallState().registry(), step: 1, configuration: smallConfiguration)
      _ = try SystemFileSystem().create(
        "\(directory)/.step-000000002.safetensors@host@1@0.lockstep-temporary")
      try store.prepare()
      #expect(try SystemFileSystem().list(directory) == ["step-000000001.safetensors"])
    }
  }
}
