import { Link } from "react-router-dom";
import { AuthLayout } from "@/components/AuthLayout";
import { buttonVariants } from "@/components/ui/button";

const NotFound = () => (
  <AuthLayout title="Nothing here" description="This page does not exist, or no longer does.">
    <Link to="/" className={buttonVariants({ className: "h-11 w-full" })}>
      Go to the start
    </Link>
  </AuthLayout>
);

export default NotFound;
