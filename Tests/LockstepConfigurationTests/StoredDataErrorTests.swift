import LockstepCollective
import LockstepConfiguration
import LockstepDatasets
import LockstepFiles
import LockstepTestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What is wrong with folders of images and with files of arrays is said by name, with what to do.
@Suite struct StoredDataErrorTests {
  private let directory = Folder()

  /// A folder of a test's own, removed with what is in it.
  private final class Folder: Sendable {
    let path: String

    init() {
      var template = Array("/tmp/lockstep-stored-XXXXXX".utf8CString)
      guard mkdtemp(&template) != nil else { fatalError("no temporary directory: errno \(errno)") }
      path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
      if unlink(path) == 0 { return }
      for name in (try? SystemFileSystem().list(path)) ?? [] { remove("\(path)/\(name)") }
      rmdir(path)
    }
  }

  private func write(_ name: String, _ bytes: [UInt8]) throws {
    if let slash = name.lastIndex(of: "/") {
      try SystemFileSystem().createDirectory("\(directory.path)/\(name[..<slash])")
    }
    try AtomicFile.write("\(directory.path)/\(name)", bytes: bytes, isDurable: false)
  }

  /// What loading says, without the folder's path.
  private func message(_ data: String) -> String {
    do {
      let configuration = try RunConfiguration(
        parsing: Array(
          """
          {"data": \(data), "model": {"type": "mlp", "sizes": [2]}}
          """.utf8), source: "test.json", directory: directory.path)
      _ = try configuration.data.load()
      return "loaded"
    } catch {
      var text = "\(error)"
      while let place = text.firstRange(of: directory.path + "/") { text.removeSubrange(place) }
      return text
    }
  }

  private func image(_ side: Int = 2, _ grey: UInt8 = 9) -> [UInt8] {
    pngFile(
      [UInt8](repeating: grey, count: side * side - 1) + [200], width: side, height: side,
      channels: 1)
  }

  @Test func folders() throws {
    let data = #"{"type": "image-folder", "folder": "f", "channels": 1"#
    #expect(message(data + "}") == "f: there is no such folder")
    try write("plain", [1])
    #expect(
      message(#"{"type": "image-folder", "folder": "plain"}"#)
        == "plain: is no folder; expected one with a folder a class")
    try SystemFileSystem().createDirectory("\(directory.path)/f")
    #expect(message(data + "}") == "f: holds no images, PNG or JPEG")
    try write("f/a.png", image())
    #expect(
      message(data + "}").contains("holds images and no folders; put the images of each class"))
    try write("f/cat/1.png", image())
    #expect(
      message(data + "}")
        == "f: holds images, such as 'a.png', beside folders, such as 'cat'; put each image in the folder of its "
        + "class")
    try SystemFileSystem().remove("\(directory.path)/f/a.png")
    try SystemFileSystem().createDirectory("\(directory.path)/f/dog")
    #expect(
      message(data + "}").contains("the class 'dog' has no images, PNG or JPEG; fill its folder"))
    try write("f/dog/2.png", image(3))
    #expect(
      message(data + "}")
        == "f/dog/2.png: is 3 pixels high and 3 wide, and images are 2 × 2; give 'size', so that images are "
        + "scaled")
    #expect(message(data + #", "size": 2}"#) == "loaded")
    try write("f/dog/3.webp", [1, 2, 3])
    #expect(
      message(data + #", "size": 2}"#).contains(
        "f/dog/3.webp: is an image of a kind that is not read"))
    try SystemFileSystem().remove("\(directory.path)/f/dog/3.webp")
    try write("f/dog/notes.txt", [1])
    #expect(message(data + #", "size": 2}"#) == "loaded")
    try write("f/dog/4.png", [])
    #expect(message(data + #", "size": 2}"#) == "f/dog/4.png: is empty; expected an image")
    try write("f/dog/4.png", Array("not an image".utf8))
    #expect(
      message(data + #", "size": 2}"#).contains(
        "f/dog/4.png: is no PNG and no JPEG, by its first bytes"))
    try write("f/dog/4.png", Array(image().dropLast(9)))
    #expect(
      message(data + #", "size": 2}"#).contains("f/dog/4.png: is a PNG file that cannot be decoded")
    )
    try write("f/dog/4.png", image(2, 30))
    try write("f/dog/deep/5.png", image())
    #expect(message(data + #", "size": 2}"#).contains("its folder 'dog' holds the folder 'deep'"))
    try SystemFileSystem().remove("\(directory.path)/f/dog/deep/5.png")
    rmdir("\(directory.path)/f/dog/deep")
    try write("t/cow/1.png", image())
    #expect(
      message(data + #", "size": 2, "testFolder": "t"}"#).contains(
        "t/cow: the class 'cow' is unknown"))
    try write("f/ant/1.png", image())
    #expect(
      message(data + #", "size": 2, "testFraction": 0.5}"#)
        .contains("the training part has no example of the class"))
    #expect(
      message(#"{"type": "image-folder", "folder": "f", "channels": 2}"#)
        .contains("'data.channels' must be one of '1', '3'"))
    #expect(
      message(data + #", "size": [2, 2, 2]}"#).contains("'data.size' must be an integer or [rows"))
    #expect(
      message(data + #", "size": 2, "resize": "pad"}"#).contains(
        "'data.resize' must be one of 'crop'"))
  }

  @Test func arrays() throws {
    try write(
      "x.npy", numpyFile("<f4", [4, 2], littleEndian((0..<8).map { Float($0).bitPattern })))
    try write("y.npy", numpyFile("<i8", [4], littleEndian([0, 1, 1, 0] as [Int64])))
    func arrays(_ inputs: String, _ labels: String, _ more: String = "") -> String {
      message(#"{"type": "arrays", "inputs": "\#(inputs)", "labels": "\#(labels)"\#(more)}"#)
    }
    #expect(arrays("x.npy", "y.npy") == "loaded")
    #expect(arrays("x.npy", "y.npy", #", "storage": "files""#) == "loaded")
    let archive =
      #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
      .joined(separator: "/") + "/LockstepDatasetsTests/Fixtures/packed.npz"
    #expect(
      arrays(
        "\(archive)/x", "\(archive)/y",
        #", "testInputs": "\#(archive)/x", "testLabels": "\#(archive)/y""#) == "loaded")
    #expect(arrays("\(archive)/z", "y.npy").contains("holds no array 'z'"))
    #expect(arrays("none.npy", "y.npy") == "none.npy: open: No such file or directory")
    for name in ["x.npy", "y.npy"] {
      #expect(
        arrays(name, name)
          == "\(name): is named by 'inputs' and by 'labels': labels must be another file")
    }
    try write("bytes.npy", numpyFile("|u1", [4], [0, 1, 1, 0]))
    #expect(
      arrays("bytes.npy", "y.npy")
        == "bytes.npy: has one byte an example: is it the file of labels? 'inputs' must be the examples"
    )
    try write("short.npy", numpyFile("<i8", [3], littleEndian([0, 1, 1] as [Int64])))
    #expect(
      arrays("x.npy", "short.npy")
        == "short.npy: expected 4 labels, as many as there are inputs in x.npy; found 3")
    try write(
      "half.npy", numpyFile("<f4", [4], littleEndian([0, 0.5, 1, 0].map { Float($0).bitPattern })))
    #expect(
      arrays("x.npy", "half.npy", #", "targetKind": "classes""#)
        .contains("half.npy: example 2: the label is 0.5, and classes are the integers 0, 1, …"))
    #expect(arrays("x.npy", "half.npy") == "loaded")
    try write("minus.npy", numpyFile("<i8", [4], littleEndian([0, -1, 1, 0] as [Int64])))
    #expect(
      arrays("x.npy", "minus.npy")
        == "minus.npy: example 2: the class -1 is unknown; the classes are 0...1")
    #expect(arrays("x.npy", "minus.npy", #", "targetKind": "values""#) == "loaded")
    for (number, value) in [Float.nan, -.infinity].enumerated() {
      let values = (0..<8).map { $0 == 5 ? value : Float($0) }
      try write("bad.npy", numpyFile("<f4", [4, 2], littleEndian(values.map(\.bitPattern))))
      for storage in ["memory", "files"] {
        #expect(
          arrays("bad.npy", "y.npy", #", "storage": "\#(storage)""#)
            == "bad.npy: example 3, value 2: \(number == 0 ? "nan" : "-inf") is not a finite number"
        )
      }
    }
    try write("cube.npy", numpyFile("|u1", [4, 2, 2], [UInt8](0..<16)))
    #expect(
      arrays("x.npy", "cube.npy").contains(
        "cube.npy: expected labels of one dimension, found the shape [4, 2, 2]"))
    #expect(
      arrays("x.npy", "y.npy", #", "layout": "channelsLast""#)
        == "x.npy: an example has the shape [2]; the layout 'channelsLast' is for images [height, width, channels]"
    )
    try write("zip.idx.gz", gzipped([0, 0, 8, 2, 0, 0, 0, 4, 0, 0, 0, 2] + [UInt8](0..<8)))
    #expect(
      arrays("zip.idx.gz", "y.npy", #", "storage": "files""#)
        == "zip.idx.gz: is compressed and cannot be read where it is needed, as 'storage' asks; unpack it"
    )
    #expect(
      arrays("x.npy", "y.npy", #", "testInputs": "x.npy""#).contains("'data.testLabels' is missing")
    )
    #expect(
      arrays("x.npy", "y.npy", #", "mean": [0, 0, 0], "deviation": [1, 1, 1]"#)
        .contains("the normalization has 3 channels, the inputs have the shape [2]"))
    #expect(
      arrays("x.npy", "y.npy", #", "testInputs": "cube.npy", "testLabels": "y.npy""#)
        == "cube.npy: an example has the shape [1, 2, 2], and the run was trained on [2]")
    #expect(
      arrays("x.npy", "y.npy", #", "shape": [3]"#).contains(
        "is a NumPy file, which says its shape and type itself"))
    #expect(
      arrays("x.npy", "y.npy", #", "element": "uint8""#).contains(
        "'data.element' goes with 'shape'"))
  }

  /// Labels that do not go with the loss or the model are those of their own file.
  @Test(arguments: ["memory", "files"])
  func labelsAreNamedByTheirFile(storage: String) throws {
    try write(
      "x.npy", numpyFile("<f4", [4, 2], littleEndian((0..<8).map { Float($0).bitPattern })))
    try write(
      "half.npy", numpyFile("<f4", [4], littleEndian([0, 0.5, 1, 0].map { Float($0).bitPattern })))
    try write("many.npy", numpyFile("<i8", [4], littleEndian([0, 1, 5, 0] as [Int64])))
    func message(_ labels: String, _ more: String = "") throws -> String {
      let configuration = try RunConfiguration(
        parsing: Array(
          #"""
          {"data": {"type": "arrays", "inputs": "x.npy", "labels": "\#(labels)", "storage": "\#(storage)"\#(more)},
           "model": {"type": "mlp", "sizes": [2]}, "shards": 1}
          """#.utf8), source: "test.json", directory: directory.path)
      do {
        _ = try ConfiguredRun(
          configuration, data: try configuration.data.load(), on: SoloCollective())
        return "made"
      } catch { return "\(error)" }
    }
    for more in ["", #", "testFraction": 0.5"#] {
      let numbers = try message("half.npy", more)
      #expect(
        numbers.contains("/half.npy' are numbers") && !numbers.contains("x.npy"), "\(numbers)")
    }
    let classes = try message("many.npy")
    #expect(
      classes.contains("/many.npy' has 6 classes") && !classes.contains("x.npy"), "\(classes)")
  }

  @Test func recordsOfCIFAR() throws {
    let data = #"{"type": "cifar", "folder": "c"}"#
    #expect(message(data).contains("c/data_batch_1.bin: open: No such file"))
    for part in 1...5 { try write("c/data_batch_\(part).bin", [UInt8](repeating: 1, count: 3073)) }
    #expect(message(data).contains("c/test_batch.bin: open: No such file"))
    try write("c/test_batch.bin", [UInt8](repeating: 1, count: 3000))
    #expect(
      message(data).contains("c/test_batch.bin: has 3000 bytes, which are no records of 3073 bytes")
    )
    try write("c/test_batch.bin", [10] + [UInt8](repeating: 1, count: 3072))
    #expect(
      message(data)
        == "c/test_batch.bin: record 1: the label is 10, and cifar10 has the classes 0...9")
    try write("c/test_batch.bin", [9] + [UInt8](repeating: 1, count: 3072))
    #expect(message(data) == "loaded")
    try write("c/batches.meta.txt", Array("cat\ndog\n".utf8))
    #expect(message(data) == "c/batches.meta.txt: has 2 names, and cifar10 has 10 classes")
  }

  @Test func mixturesAndBlocks() throws {
    func message(_ data: String, _ more: String = "") -> String {
      do {
        _ = try RunConfiguration(
          parsing: Array(
            """
            {"data": {"type": "mnist-5k", \(data)}, "model": {"type": "mlp", "sizes": [10]}\(more)}
            """.utf8), source: "test.json"
        ).data.load()
        return "loaded"
      } catch { return "\(error)" }
    }
    #expect(
      message(#""augment": [{"type": "mixup", "alpha": 0}]"#).contains(
        "'data.augment.0.alpha' must be"))
    #expect(
      message(
        #""augment": [{"type": "mixup"}]"#,
        #", "distillation": {"teacher": "t"}"#
      ).contains("does not go with 'mixup' and 'cutMix'"))
    #expect(
      message(#""augment": [{"type": "resizedCrop", "scale": [1, 0.5]}]"#)
        .contains("'data.augment.0.scale' must be two numbers, the smaller one first"))
    #expect(
      message(#""augment": [{"type": "cutout"}]"#).contains("'data.augment.0.size' is missing"))
    #expect(
      message(#""shuffle": false, "shuffleBlock": 8"#)
        .contains("'data.shuffleBlock' has no effect where 'shuffle' is false"))
  }
}

extension String {
  /// Where a part first stands.
  fileprivate func firstRange(of part: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(part) { return start..<index(start, offsetBy: part.count) }
      start = index(after: start)
    }
    return nil
  }
}
