import LockstepCatalog
import LockstepDatasets

/// Files of tokens, as nanoGPT, llm.c and NumPy write them.
struct TokensSource: DataSource {
  let file: String
  let testFile: String?
  let vocabulary: Int
  let element: TokenElement
  let windows: WindowOptions

  var hasTest: Bool { testFile != nil || windows.testFraction != nil }
  var cutsItself: Bool { true }
  var followsBatchSize: Bool { windows.starts == .streams }

  private var description: TokensDescription {
    TokensDescription(window: windows.length, vocabulary: vocabulary, element: element)
  }

  func training(_ reading: DataReading) throws -> any DataContent {
    try windows.training(
      TokenStream(file: file, element: element), reading.description?.tokens ?? description,
      batchSize: reading.batchSize)
  }

  func test(_ reading: DataReading) throws -> (any DataContent)? {
    guard hasTest else { return nil }
    let known = reading.description?.tokens ?? description
    if let testFile {
      return try TokenContent(TokenStream(file: testFile, element: element), as: known)
    }
    return try windows.test(TokenStream(file: file, element: element), known)
  }

  static let entry: Entry<any DataSource> = {
    Entry(
      "tokens", "a file of tokens: nanoGPT's or llm.c's .bin, or NumPy's .npy",
      [
        .required("file", .file, "the tokens"),
        .optional("testFile", .file, "the tokens of the test part"),
        .required("vocabulary", .size, "the number of different tokens"),
        .with(
          "element", TokenElement.uint16, "the type of the tokens in a file that does not say it"),
      ] + WindowOptions.keys + [
        .optional(
          "testFraction", .number(NumberRange(above: 0, below: 1)),
          "the end of the file of this size is the test part, where there is no test file")
      ] + .plainOrder
    ) { values in
      let windows = WindowOptions(values)
      if values.contains("testFile"), windows.testFraction != nil {
        throw values.error(
          "testFraction", "and 'testFile' both make a test part; give one of the two")
      }
      return TokensSource(
        file: values["file"], testFile: values["testFile"], vocabulary: values["vocabulary"],
        element: values["element"], windows: windows)
    }
  }()
}

extension TokenElement: HyperparameterValue {}
