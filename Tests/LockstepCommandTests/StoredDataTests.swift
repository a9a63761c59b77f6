import LockstepFiles
import LockstepTestSupport
import LockstepTesting
import Testing

/// Pictures of three classes by a rule, 32 × 32 pixels in colours, in the order of their classes.
private struct Pictures {
  let count: Int
  private let side = 32

  /// The class of a picture.
  func label(_ number: Int) -> Int { number * 3 / count }

  /// The value of a channel of a pixel.
  func value(_ number: Int, _ y: Int, _ x: Int, _ channel: Int) -> UInt8 {
    let wobble = (number * 37 + y * 11 + x * 7 + channel * 13) % 60
    let isInside = [x < 16, y < 16, (x + y) % 8 < 4][label(number)]
    return UInt8((isInside ? 150 : 30) + wobble)
  }

  private var pixels: [(y: Int, x: Int)] {
    (0..<side).flatMap { y in (0..<side).map { x in (y: y, x: x) } }
  }

  /// Pixels with their channels side by side.
  func interleaved(_ number: Int) -> [UInt8] {
    pixels.flatMap { pixel in (0..<3).map { value(number, pixel.y, pixel.x, $0) } }
  }

  /// Channel behind channel.
  func planar(_ number: Int) -> [UInt8] {
    (0..<3).flatMap { channel in pixels.map { value(number, $0.y, $0.x, channel) } }
  }

  static let names = ["ant", "bee", "cat"]

  /// Writes them in all ways that data can be stored.
  func write(to directory: String) throws {
    let files = SystemFileSystem()
    let all = 0..<count
    for name in Self.names { try files.createDirectory("\(directory)/png/\(name)") }
    for number in all {
      let name = String("00\(number)".suffix(3))
      try AtomicFile.write(
        "\(directory)/png/\(Self.names[label(number)])/\(name).png",
        bytes: pngFile(interleaved(number), width: side, height: side, channels: 3))
    }
    let labels = all.map { UInt8(label($0)) }
    func idx(_ shape: [Int], _ data: [UInt8]) -> [UInt8] {
      [0, 0, 8, UInt8(shape.count)]
        + shape.flatMap { size in [0, 0, UInt8(size / 256), UInt8(size % 256)] } + data
    }
    /// A shard of images and labels.
    func safetensors(_ numbers: Range<Int>) -> [UInt8] {
      let pixels = numbers.flatMap(planar)
      let labels = numbers.map { UInt8(label($0)) }
      let header =
        #"{"images":{"dtype":"U8","shape":[\#(numbers.count),3,32,32],"data_offsets":[0,\#(pixels.count)]},"#
        + #""labels":{"dtype":"U8","shape":[\#(numbers.count)],"data_offsets":[\#(pixels.count),"#
        + "\(pixels.count + labels.count)]}}"
      return littleEndian([Int64(header.utf8.count)]) + Array(header.utf8) + pixels + labels
    }
    let last = all.flatMap(interleaved)
    let first = all.flatMap(planar)
    for (name, bytes) in [
      ("labels.npy", numpyFile("<i8", [count], littleEndian(labels.map { Int64($0) }))),
      ("labels.idx", idx([count], labels)),
      ("last.npy", numpyFile("|u1", [count, side, side, 3], last)),
      ("first.npy", numpyFile("|u1", [count, 3, side, side], first)),
      ("last.idx", idx([count, side, side, 3], last)),
      ("first.idx", idx([count, 3, side, side], first)),
      ("plain.bin", first),
      ("part-1.safetensors", safetensors(0..<19)), ("part-2.safetensors", safetensors(19..<count)),
      ("head.npy", numpyFile("|u1", [7, 3, side, side], Array(first[..<(7 * 3 * side * side)]))),
      (
        "tail.npy",
        numpyFile("|u1", [count - 7, 3, side, side], Array(first[(7 * 3 * side * side)...]))
      ),
    ] { try AtomicFile.write("\(directory)/\(name)", bytes: bytes) }
    try files.createDirectory("\(directory)/cifar")
    for part in 0..<5 {
      let run = part * count / 5..<(part + 1) * count / 5
      try AtomicFile.write(
        "\(directory)/cifar/data_batch_\(part + 1).bin",
        bytes: run.flatMap { [UInt8(label($0))] + planar($0) })
    }
    try AtomicFile.write(
      "\(directory)/cifar/test_batch.bin",
      bytes: (0..<10).flatMap { [UInt8(label($0))] + planar($0) })
  }

  /// The data of a configuration for each way.
  static let ways = [
    #"{"type": "image-folder", "folder": "png""#,
    #"{"type": "arrays", "inputs": "last.npy", "labels": "labels.npy", "layout": "channelsLast""#,
    #"{"type": "arrays", "inputs": "first.npy", "labels": "labels.idx""#,
    #"{"type": "idx", "inputs": "last.idx", "labels": "labels.idx", "layout": "channelsLast""#,
    #"{"type": "idx", "inputs": "first.idx", "labels": "labels.npy""#,
    #"{"type": "arrays", "inputs": "plain.bin", "labels": "labels.npy", "shape": [3, 32, 32], "element": "uint8""#,
    #"{"type": "cifar", "folder": "cifar""#,
    #"{"type": "arrays", "inputs": "part-*.safetensors/images", "labels": "part-*.safetensors/labels""#,
    #"{"type": "arrays", "inputs": ["head.npy", "tail.npy"], "labels": "labels.npy""#,
  ]

  static func configuration(_ data: String, _ model: String = #"{"type": "mlp", "sizes": [8, 10]}"#)
    -> String
  {
    """
    {"data": \(data)}, "model": \(model), "batchSize": 10, "shards": 8, "epochs": 2, "seed": 4,
     "optimizer": {"type": "adam", "learningRate": 0.01}, "checkpoint": {"everySteps": 2}}
    """
  }
}

/// The same examples give the same weights, however they are stored, read, changed and cut over ranks.
@Suite struct StoredDataTests {
  private func withPictures(_ body: (_ directory: String) throws -> Void) throws {
    try withDirectory { directory in
      try Pictures(count: 45).write(to: directory)
      try body(directory)
    }
  }

  private func train(
    _ directory: String, _ data: String, _ more: [String] = ["--run-directory", "none"],
    ranks: Int = 1, environment: [String: String?] = [:]
  ) throws -> ProgramResult {
    try AtomicFile.write("\(directory)/config.json", text: Pictures.configuration(data))
    return try Lockstep.run(
      ["train", "\(directory)/config.json", "--quiet"] + more, ranks: ranks,
      environment: environment)
  }

  @Test func everyWayOfStoringGivesTheSameWeights() throws {
    try withPictures { directory in
      let first = try train(directory, Pictures.ways[0])
      let expected = try #require(first.fingerprint, "\(first.transcript)")
      for (number, way) in Pictures.ways.enumerated() {
        for storage in ["memory", "files"] {
          let ranks = [1, 2, 3, 5][(2 * number + (storage == "memory" ? 0 : 1)) % 4]
          let result = try train(
            directory, way + #", "storage": "\#(storage)""#, ranks: ranks)
          #expect(
            result.fingerprint == expected, "\(way), \(storage), \(ranks): \(result.transcript)")
        }
      }
    }
  }

  @Test(arguments: [
    #""augment": [{"type": "resizedCrop", "scale": [0.5, 1]}, {"type": "flip"}, {"type": "colorJitter", "brightness": 0.4, "contrast": 0.4, "saturation": 0.4}]"#,
    #""augment": [{"type": "erase"}, {"type": "cutout", "size": 8}, {"type": "mixup"}]"#,
    #""augment": [{"type": "shift", "pixels": 2}, {"type": "cutMix"}, {"type": "mixup", "alpha": 0.4}]"#,
    #""shuffleBlock": 4, "shuffleBuffer": 3"#,
  ])
  func ranksThreadsAndKillsChangeNothing(_ keys: String) throws {
    try withPictures { directory in
      let data = Pictures.ways[0] + #", "storage": "files", "# + keys
      let alone = try train(directory, data)
      let expected = try #require(alone.fingerprint, "\(alone.transcript)")
      let plain = try train(directory, Pictures.ways[0])
      #expect(plain.fingerprint != expected)
      for (ranks, options) in [
        (2, ["threads=2", "inputs=ahead"]), (3, ["inputs=ahead", "data.storage=memory"]),
        (5, ["inputs=direct"]),
      ] {
        let result = try train(
          directory, data, ["--run-directory", "none"] + options.flatMap { ["--set", $0] },
          ranks: ranks)
        #expect(result.fingerprint == expected, "\(ranks) \(options): \(result.transcript)")
      }
      // Five steps an epoch: killed within the first and within the second one.
      let run = ["--run-directory", "\(directory)/run", "--resume", "--set", "inputs=ahead"]
      for (ranks, step) in [(2, 3), (3, 8)] {
        let result = try train(
          directory, data, run, ranks: ranks,
          environment: ["LOCKSTEP_FAULT": "step:\(ranks - 1):\(step):kill"])
        #expect(!result.succeeded, "\(result.transcript)")
      }
      let resumed = try train(directory, data, run)
      #expect(resumed.fingerprint == expected, "\(resumed.transcript)")
    }
  }

  @Test func newPicturesAreReadAsTrainingReadItsOwn() throws {
    try withPictures { directory in
      let trained = try train(directory, Pictures.ways[0], ["--run-directory", "\(directory)/run"])
      #expect(trained.succeeded, "\(trained.transcript)")
      // Two pictures without labels, a larger one among them.
      try SystemFileSystem().createDirectory("\(directory)/new")
      let pictures = Pictures(count: 45)
      for (name, number) in [("x.png", 2), ("y.PNG", 44)] {
        try AtomicFile.write(
          "\(directory)/new/\(name)",
          bytes: pngFile(pictures.interleaved(number), width: 32, height: 32, channels: 3))
      }
      let result = try Lockstep.run([
        "predict", "\(directory)/run", "--input", "\(directory)/new",
      ])
      let lines = try result.lines.filter { $0.hasPrefix("{") }.map { try JSONValue.parse($0) }
      #expect(lines.map { $0["id"] } == ["x.png", "y.PNG"], "\(result.transcript)")
      #expect(lines.allSatisfy { $0["label"] == nil })
      let classes = lines.compactMap { $0["class"]?.stringValue }
      #expect(classes.allSatisfy { Pictures.names.contains($0) })
      let all = try Lockstep.run(
        ["predict", "\(directory)/run", "--input", "\(directory)/png"], ranks: 3)
      let labelled = try all.lines.filter { $0.hasPrefix("{") }.map { try JSONValue.parse($0) }
      #expect(labelled.count == 45)
      #expect(labelled[2]["id"] == "ant/002.png" && labelled[2]["label"] == "ant")
      #expect(labelled[2]["outputs"] == lines[0]["outputs"])
      let evaluated = try Lockstep.run([
        "evaluate", "\(directory)/run", "--input", "\(directory)/png",
      ])
      #expect(evaluated.output.contains("of 45 examples"), "\(evaluated.transcript)")
      for (arguments, text) in [
        (
          ["evaluate", "\(directory)/run", "--input", "\(directory)/new"],
          "new: has no labels; put the images"
        ),
        (
          [
            "predict", "\(directory)/run", "--input", "\(directory)/first.npy", "--labels",
            "\(directory)/png",
          ],
          "png: is not a regular file"
        ),
        (
          ["predict", "\(directory)/run", "--input", "\(directory)/nowhere"],
          "nowhere: open: No such file"
        ),
      ] {
        let refused = try Lockstep.run(arguments)
        #expect(refused.ending == .exited(2), "\(refused.transcript)")
        #expect(refused.complaints.contains { $0.contains(text) }, "\(refused.transcript)")
      }
    }
  }

  /// A picture that turns bad while a run reads it ends the run on all ranks, by its name.
  @Test func aPictureThatCannotBeDecodedEndsTheRunByName() throws {
    try withPictures { directory in
      let path = "\(directory)/png/bee/020.png"
      let bytes = try FileInput.contents(of: path)
      try SystemFileSystem().remove(path)
      try AtomicFile.write(path, bytes: Array(bytes.prefix(2000)))
      for (storage, ranks) in [("memory", 1), ("files", 3)] {
        let data =
          Pictures.ways[0] + #", "storage": "\#(storage)", "mean": [0.4], "deviation": [0.3]"#
        let result = try train(directory, data, ranks: ranks)
        #expect(!result.succeeded)
        #expect(
          result.errorOutput.contains(
            "bee/020.png: is a PNG file that cannot be decoded: truncated"),
          "\(storage): \(result.transcript)")
      }
    }
  }
}
