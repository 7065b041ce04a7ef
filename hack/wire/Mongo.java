import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.util.List;

/** Serves mongo-java-server on 127.0.0.1 at the port given, in memory, until killed. */
public final class Mongo {
    /** The wire version of MongoDB 5.0: the stand-in's own says 8, which driver 2.9 refuses. */
    private static final class Five implements MongoVersion {
        public List<Integer> getVersionArray() { return List.of(5, 0, 0, 0); }
        public int getWireVersion() { return 13; }
    }

    public static void main(String[] args) {
        new MongoServer(new MemoryBackend().version(new Five())).bind("127.0.0.1", Integer.parseInt(args[0]));
    }
}
