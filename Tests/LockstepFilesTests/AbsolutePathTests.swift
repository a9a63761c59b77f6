import LockstepFiles
import Testing

@Suite struct AbsolutePathTests {
  @Test func pathsAreRelativeToTheFolder() {
    #expect(AbsolutePath.of("a.csv", in: "/nowhere/c") == "/nowhere/c/a.csv")
    #expect(AbsolutePath.of("./b/a.csv", in: "/nowhere/c/") == "/nowhere/c/b/a.csv")
    #expect(AbsolutePath.of("../a.csv", in: "/nowhere/c") == "/nowhere/a.csv")
    #expect(AbsolutePath.of("../../../a.csv", in: "/nowhere/c") == "/a.csv")
    #expect(AbsolutePath.of("/a.csv", in: "/nowhere/c") == "/a.csv")
    #expect(AbsolutePath.of(".", in: "/nowhere/c") == "/nowhere/c")
  }

  @Test func foldersAreAbsolute() {
    #expect(AbsolutePath.folder(of: "/nowhere/c/run.json") == "/nowhere/c")
    #expect(AbsolutePath.folder(of: "/run.json") == "/")
    #expect(AbsolutePath.folder(of: "run.json") == AbsolutePath.of("."))
    #expect(AbsolutePath.of("a.csv").hasPrefix("/"))
  }
}
